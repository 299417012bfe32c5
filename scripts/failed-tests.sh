#!/usr/bin/env bash
# The failed tests of a result file (trx) with what each said: name, message and the lines that led there.
#
#   scripts/failed-tests.sh FILE.trx
set -euo pipefail

awk '
    /<UnitTestResult / {
        failed = /outcome="(Failed|Error|Timeout|Aborted)"/
        if (failed) {
            name = $0
            sub(/.* testName="/, "", name)
            sub(/".*/, "", name)
            match($0, / duration="[^"]*"/)
            print name " (" substr($0, RSTART + 11, RLENGTH - 12) ")"
        }
    }
    failed && /<(Message|StackTrace)>/ { inside = 1; lines = 0 }
    failed && inside && ++lines <= 12 {
        line = $0
        sub(/^ +/, "", line)
        gsub(/<\/?(Message|StackTrace)>/, "", line)
        print "    " line
    }
    /<\/(Message|StackTrace)>/ { inside = 0 }
' "$1" | sed -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&quot;/"/g' -e "s/&apos;/'/g" -e 's/&#xD;//g' -e 's/&amp;/\&/g'
