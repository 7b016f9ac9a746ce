#!/bin/bash
# Unpacks Debian 13's lighttpd into .tools/trixie, for machines whose own is older: only from 1.4.77 on
# does it keep HTTP/2 bodies in authorizer mode. Needs mmdebstrap and root.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=.tools/trixie
[ -x "$root/usr/sbin/lighttpd" ] && exit 0
version=$(/usr/sbin/lighttpd -v | sed -n 's#lighttpd/\([0-9.]*\).*#\1#p')
if [ "$(printf '%s\n1.4.77\n' "$version" | sort -V | head -n 1)" = 1.4.77 ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || [ "$(uname -m)" != x86_64 ]; then
  echo "brickgate: tests of lighttpd 1.4.79 are skipped: making its root needs root on x86_64" >&2
  exit 0
fi
echo 'brickgate: unpacking the lighttpd of Debian 13 for the tests'
rm -rf "$root" "$root.part"
mmdebstrap --quiet --variant=extract \
  --include=lighttpd,lighttpd-mod-openssl,lighttpd-modules-lua trixie "$root.part"
mv "$root.part" "$root"
