#!/bin/sh
# Root filesystem of the sidecar: Debian trixie, Python 3.13, nftables and HAProxy 3.4.7, as a directory.
# Usage: rootfs.sh OUTPUT_DIRECTORY [MIRROR]. The directory appears only when it is whole; an existing one is left alone.
# Tests run the sidecar's parts inside it, because HAProxy 3.4 needs a newer libc than Debian 12 has.
set -eu
output=$1
[ ! -e "$output" ] || exit 0
# Without one: the mirror that this machine's own package manager uses.
mirror=${2:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n 's#/debian/*$#/debian#p' | head -n 1)}
[ -n "$mirror" ] || { echo "No Debian mirror is configured on this machine: give one, $0 OUTPUT_DIRECTORY MIRROR" >&2; exit 64; }

# HAProxy 3.4 is in Debian's experimental suite, its libpcre2 in forky: both by pool path and sha256, not through a suite whose
# Release file expires.
haproxy_deb=pool/main/h/haproxy/haproxy_3.4.7-1_amd64.deb
haproxy_sha256=b8cc6bac17db6ed2516a3a2e85e6dcbc6c561f78edafff450ffc721dee6b4a26
pcre2_deb=pool/main/p/pcre2/libpcre2-8-0_10.48-3.1_amd64.deb
pcre2_sha256=4f717024358d04c0b9ad7583f470fc639b1c4fd92d34b5ec4355c307cd5b37de

work=$(mktemp -d "$(dirname "$output")/rootfs.XXXXXX")
trap 'rm -rf "$work"' EXIT
/usr/lib/apt/apt-helper download-file "$mirror/$haproxy_deb" "$work/haproxy.deb" "SHA256:$haproxy_sha256"
/usr/lib/apt/apt-helper download-file "$mirror/$pcre2_deb" "$work/libpcre2.deb" "SHA256:$pcre2_sha256"

mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,nftables,iproute2,ca-certificates,systemd-standalone-sysusers \
  --customize-hook="cp '$work/haproxy.deb' '$work/libpcre2.deb' \"\$1/tmp/\"" \
  --customize-hook='chroot "$1" apt-get install -y --no-install-recommends /tmp/haproxy.deb /tmp/libpcre2.deb' \
  --customize-hook='rm -rf "$1"/tmp/*.deb "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
  trixie "$work/rootfs.tar" "$mirror"
mkdir "$work/root"
tar -xf "$work/rootfs.tar" -C "$work/root" --exclude='./dev/*'
mv "$work/root" "$output"
