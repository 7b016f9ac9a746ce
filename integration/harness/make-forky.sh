#!/bin/bash
# Unpacks Debian testing's lighttpd and HAProxy, those of the images, into .tools/forky: the tests
# run with them as well as with the machine's own. Needs mmdebstrap and root on x86_64.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=.tools/forky
[ ! -x "$root/usr/sbin/lighttpd" ] || exit 0
if [ "$(id -u)" != 0 ] || [ "$(uname -m)" != x86_64 ]; then
  echo 'brickgate: no tests with the lighttpd of Debian testing: unpacking it needs root on x86_64' >&2
  exit 0
fi
echo 'brickgate: unpacking the lighttpd and HAProxy of Debian testing for the tests'
part=$root.$$
# a mirror may be a snapshot, whose lists of packages are past their date
mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
  --include=lighttpd,lighttpd-mod-openssl,lighttpd-modules-lua,haproxy forky "$part"
mv -T "$part" "$root" || rm -rf "$part"
