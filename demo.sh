#!/usr/bin/env bash
# Shows the main job: a register service of three silos over three local PostgreSQL servers, a mixed load, one silo
# killed with -9 and brought back, then one server, and the checker's verdict on the whole history. Exit status 0 only
# if it is linearizable and nothing failed.
#
#   ./demo.sh --seconds 60 --registers 500      see ./demo.sh --help
#
# Where the packages of Orleans cannot be had, the same is shown without silos; with CASPAXOS_REQUIRE_ORLEANS=1 that is
# a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v dotnet >/dev/null; then
    echo "The .NET SDK 10 is missing: https://dotnet.microsoft.com/download"
    exit 1
fi
scripts/postgres-available.sh

project=demo/orleans
if ! restored=$(dotnet restore "$project" 2>&1); then
    if ! missing=$(scripts/orleans-missing.sh <<<"$restored") || [ -n "${CASPAXOS_REQUIRE_ORLEANS:-}" ]; then
        echo "$restored"
        exit 1
    fi
    echo "ORLEANS CANNOT BE RESTORED HERE, SO THIS IS THE DEMONSTRATION WITHOUT SILOS. MISSING: $missing"
    project=demo
fi

echo "Building ..."
if ! built=$(dotnet build "$project" -c Release -v quiet --nologo 2>&1); then
    echo "$built"
    exit 1
fi
exec dotnet run -c Release --no-build --project "$project" -- "$@"
