#!/usr/bin/env bash
# Shows the main job: a register service of three silos over three local PostgreSQL servers, a mixed load, one silo
# killed with -9 and brought back, then one server, and the checker's verdict on the whole history. Exit status 0 only
# if it is linearizable and nothing failed.
#
#   ./demo.sh --seconds 60 --registers 500      see ./demo.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v dotnet >/dev/null; then
    echo "The .NET SDK 10 is missing: https://dotnet.microsoft.com/download"
    exit 1
fi
scripts/postgres-available.sh

scripts/restore.sh demo

echo "Building ..."
if ! built=$(dotnet build demo -c Release --no-restore -v quiet --nologo 2>&1); then
    echo "$built"
    exit 1
fi
exec dotnet run -c Release --no-build --project demo -- "$@"
