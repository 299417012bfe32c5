#!/usr/bin/env bash
# Looks for packages with known vulnerabilities, transitive ones too. Names each and fails if there is one. Where the
# advisories cannot be had, it says so in one line.
#
#   scripts/audit.sh [PROJECT]      default: every project of this checkout
#
# Exit status: 0 audited, nothing found; 1 a vulnerable package, or a failed restore; 3 no advisories to be had.
set -uo pipefail
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Into a folder of its own: what it warns of would otherwise be repeated by every build of the project.
settings=(-p:NuGetAudit=true -p:NuGetAuditMode=all -p:NuGetAuditLevel=low -p:RestoreForce=true
    -p:TreatWarningsAsErrors=false -p:MSBuildProjectExtensionsPath=obj/audit/)
if [ $# -gt 0 ]; then
    settings+=("-p:Projects=$(realpath "$1")")
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# In English, whatever the user's language is: this reads it.
DOTNET_CLI_UI_LANGUAGE=en dotnet msbuild "$folder/audit.proj" -nologo -v:minimal "${settings[@]}" >"$log" 2>&1
status=$?

# Each once, though every project that has the package repeats it.
notes() { grep -oE "NU($1): [^[]*[^[ ]" "$log" | sort -u; }

vulnerable=$(notes '190[1-4]')
if [ -n "$vulnerable" ]; then
    echo "VULNERABLE PACKAGES:"
    echo "$vulnerable"
    exit 1
fi

unreachable=$(notes '1900|1905' | paste -sd ' ')
if [ -n "$unreachable" ]; then
    echo "Packages were not audited, the advisories cannot be had: $unreachable"
    exit 3
fi

if [ "$status" -ne 0 ]; then
    cat "$log"
    exit 1
fi

# A project without packages counts as audited whether there are advisories or not.
audited=$(grep -o 'Audited projects: .*' "$log")
if ! grep -qE ': ([0-9]+) of \1\.' <<<"$audited"; then
    echo "Packages were not audited: no package source offers advisories."
    exit 3
fi

echo "$audited No known vulnerability."
