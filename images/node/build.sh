#!/bin/sh
# Root filesystem of a local node: a Debian trixie "machine" with systemd, sshd and containerd.
# Usage: build.sh OUTPUT.tar [MIRROR]. The output appears only when it is whole.
# TMPDIR decides where the filesystem is put together (about 1 GB).
set -eu
output=$1
mirror=${2:-}

# systemd, dbus, openssh-server: Ansible reaches the node as it reaches any host. procps, kmod, iproute2, python3: its modules.
# containerd, runc, containernetworking-plugins, conntrack, ethtool, socat, nftables, iptables: kubelet and kube-proxy.
# tcpdump: the proof that nothing between the nodes is in plain text.
packages=systemd,systemd-sysv,dbus,openssh-server,procps,kmod,iproute2,python3,ca-certificates,containerd,runc
packages=$packages,containernetworking-plugins,conntrack,ethtool,socat,nftables,iptables,tcpdump

# shellcheck disable=SC2086  # no mirror: mmdebstrap takes Debian's default one
mmdebstrap --quiet --variant=minbase --include="$packages" \
  --aptopt='Acquire::Retries "3"' \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*' \
  --customize-hook='printf "%s\n" "HostKey /etc/heddle/ssh/host_key" "AuthorizedKeysFile /etc/heddle/ssh/authorized_keys" "PermitRootLogin prohibit-password" "PasswordAuthentication no" > "$1/etc/ssh/sshd_config.d/heddle.conf"' \
  --customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
  --customize-hook='chroot "$1" systemctl mask systemd-resolved.service systemd-networkd.service console-getty.service getty@.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer' \
  trixie "$output.part.tar" $mirror
mv "$output.part.tar" "$output"
