#!/usr/bin/env bash
# Restores, builds with warnings as errors, audits the packages, runs every suite, the simulator and its mutants.
# Ends with one line: N passed, N failed, N skipped. Exit status 0 only when nothing failed.
#
#   SEEDS=1000000 ./test.sh      more seeds for the simulator (default 10000)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

seeds=${SEEDS:-10000}
solution=CasPaxos.Orleans.sln
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

passed=0
failed=0
skipped=0
failures=$results/failures

fail() {
    failed=$((failed + 1))
    echo "$1" >>"$failures"
}

# What failed is said once more at the end, where a reader of a long log looks first.
finish() {
    if [ -s "$failures" ]; then
        echo "== failures"
        cat "$failures"
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit $?
}

if ! command -v dotnet >/dev/null; then
    echo "The .NET SDK 10 is missing: https://dotnet.microsoft.com/download"
    failed=1
    finish
fi

# The suites start real PostgreSQL servers; they find the programs themselves once they are installed.
if ! scripts/postgres-available.sh; then
    if [ -n "${CI:-}" ]; then
        failed=1
        finish
    fi
    echo "The suites that need PostgreSQL will be skipped."
fi

echo "== restore and build"
if ! scripts/restore.sh "$solution" || ! dotnet build "$solution" -c Release --no-restore; then
    failed=1
    finish
fi

echo "== audit"
scripts/audit.sh
case $? in
    0) passed=$((passed + 1)) ;;
    3) ;; # No advisories to be had: it has said so.
    *) fail "audit" ;;
esac

echo "== suites"
# One project after the other: several of them start servers, and measure how long those may take.
dotnet test "$solution" -c Release --no-build -m:1 \
    --logger "trx" --results-directory "$results" -- RunConfiguration.MaxCpuCount=1
suites=$?

# Each result file counts its own tests.
for file in "$results"/*.trx; do
    [ -e "$file" ] || continue
    counters=$(grep -o '<Counters [^>]*' "$file")
    count() { grep -o " $1=\"[0-9]*\"" <<<"$counters" | grep -o '[0-9]*'; }
    passed=$((passed + $(count passed)))
    failed=$((failed + $(count failed) + $(count error) + $(count timeout) + $(count aborted)))
    skipped=$((skipped + $(count total) - $(count executed)))
    scripts/failed-tests.sh "$file" >>"$failures"
done
if [ "$suites" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "A suite did not run to its end."
    failed=1
fi

simulate() {
    echo "== simulation $*"
    if dotnet run -c Release --no-build --project tests/CasPaxos.Simulation -- "$@"; then
        passed=$((passed + 1))
    else
        fail "simulation $*"
    fi
}

simulate --seeds "$seeds"
simulate --mutants

if scripts/postgres-available.sh >/dev/null; then
    echo "== sample"
    if dotnet run -c Release --no-build --project samples/Bank.Check -- 12; then
        passed=$((passed + 1))
    else
        fail "sample"
    fi
else
    skipped=$((skipped + 1))
fi

finish
