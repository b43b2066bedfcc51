#!/bin/sh
# The few files that kube-proxy needs beside itself: nft and its libraries, from Debian trixie (20 MB).
# Usage: build.sh OUTPUT.tar [MIRROR]. The output appears only when it is whole.
set -eu
output=$1
mirror=${2:-}

# shellcheck disable=SC2016,SC2086  # "$1" is the hook's own; no mirror: mmdebstrap takes Debian's default one
mmdebstrap --quiet --variant=extract --include=base-files,nftables,conntrack \
  --aptopt='Acquire::Retries "3"' \
  --customize-hook='rm -rf "$1"/usr/share/* "$1"/var/lib/apt "$1"/var/cache "$1"/var/lib/dpkg' \
  trixie "$output.part.tar" $mirror
mv "$output.part.tar" "$output"
