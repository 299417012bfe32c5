#!/usr/bin/env bash
# Succeeds when PostgreSQL's server programs can be run; installs them when it can, and says what is missing otherwise.
set -u

found() {
    command -v initdb >/dev/null && command -v pg_ctl >/dev/null && return 0
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

found && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "PostgreSQL is missing; installing it with apt-get."
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y postgresql; } >&2
    found && exit 0
fi

echo "PostgreSQL is missing: install its server programs (Debian, Ubuntu: apt-get install postgresql)."
exit 1
