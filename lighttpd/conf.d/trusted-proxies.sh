#!/bin/sh
# Prints the settings for proxies that name the client address; nothing without proxies.
# lighttpd.conf runs this script at each start and reload.
#
# INVARIANT: only listed proxies may name a client; otherwise any client could choose its address.
set -euf
list=
for proxy in ${BRICKGATE_TRUSTED_PROXIES?}; do
  case $proxy in
    *[!0-9A-Fa-f.:/]*) echo "BRICKGATE_TRUSTED_PROXIES must hold addresses such as 10.1.0.0/24" >&2; exit 1 ;;
  esac
  list="$list \"$proxy\" => \"trust\","
done
[ -n "$list" ] || exit 0
echo "extforward.forwarder = ($list )"
case ${BRICKGATE_PROXIES_MODE?} in
  x_forwarded_for) echo 'extforward.headers = ( "X-Forwarded-For" )' ;;
  # a header from a listed address would count too: this name cannot be sent
  proxy_protocol) echo 'extforward.hap-PROXY = "enable"  extforward.headers = ( "no header" )' ;;
  *) echo "BRICKGATE_PROXIES_MODE is neither x_forwarded_for nor proxy_protocol" >&2; exit 1 ;;
esac
