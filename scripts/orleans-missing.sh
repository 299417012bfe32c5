#!/usr/bin/env bash
# Reads what a restore that failed has printed. Succeeds, and names the packages, if it failed for packages of Orleans
# that are not to be had (NU1101), or not in the pinned version (NU1102; NU1603 and NU1109: another one in its place).
set -u

missing=$(grep -oE "NU(1101|1102|1603|1109):.*" \
    | grep -oE "Microsoft\.Orleans\.[A-Za-z.]*[a-z]" | sort -u | paste -sd ' ')
[ -n "$missing" ] && echo "$missing"
