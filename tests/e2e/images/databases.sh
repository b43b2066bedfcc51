#!/bin/sh
# Root filesystem of the databases' proofs: PostgreSQL, Redis and MariaDB from Debian trixie (its MySQL), and the Python
# libraries that people reach them with; `websockets` is here too.
# Usage: databases.sh OUTPUT.tar [MIRROR]. The output appears only when it is whole.
set -eu
output=$1
mirror=${2:-}

packages=postgresql,redis-server,mariadb-server,openssl,python3,python3-psycopg,python3-pymysql,python3-redis,python3-websockets

# The servers run as `proof` on data that they make when they start. LLVM and Z3 serve PostgreSQL's compiler of queries alone,
# which is switched off; most programs of MariaDB repair files.
# shellcheck disable=SC2016,SC2086  # "$1" is the hook's own; no mirror: mmdebstrap takes Debian's default one
mmdebstrap --quiet --variant=minbase --include="$packages" \
  --aptopt='Acquire::Retries "3"' \
  --customize-hook='chroot "$1" useradd --uid 10001 --create-home proof' \
  --customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/* "$1"/usr/share/i18n "$1"/var/lib/mysql/* "$1"/var/lib/postgresql/*' \
  --customize-hook='rm -f "$1"/usr/lib/x86_64-linux-gnu/libLLVM* "$1"/usr/lib/x86_64-linux-gnu/libz3* "$1"/usr/bin/aria_* "$1"/usr/bin/myisam* "$1"/usr/bin/innochecksum' \
  --customize-hook='cd "$1"/usr/bin && for name in mariadb-*; do case $name in mariadb-install-db) ;; *) rm -f "$name" ;; esac; done' \
  trixie "$output.part.tar" $mirror
mv "$output.part.tar" "$output"
