#!/usr/bin/env bash
# Restores a project or solution. If that fails, prints what the restore printed, and then one line that names the
# packages which are missing.
#
#   scripts/restore.sh PROJECT
set -u

# In English, whatever the user's language is: this reads it.
restored=$(DOTNET_CLI_UI_LANGUAGE=en dotnet restore "$1" 2>&1) && exit 0

echo "$restored"

# Each once, though every project that wants the package repeats it. NU1101, NU1102, NU1103: there is no such package,
# or not in this version. NU1109, NU1603: another version in its place. NU1301: the source of packages does not answer.
reasons=$(grep -oE "NU(110[1-9]|1603|1301): [^[]*[^[ ]" <<<"$restored" \
    | grep -v ' - Found ' | sed 's/ Warning As Error://' | sort -u | paste -sd ' ')
echo "RESTORE FAILED. ${reasons:-See above.}"
exit 1
