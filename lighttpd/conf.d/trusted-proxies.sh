#!/bin/sh
# Prints the settings by which the address of a client comes from proxies before lighttpd: nothing, unless
# there are any. lighttpd.conf runs it at each start and reload.
#
# INVARIANT: only the listed proxies are believed, whatever header or preamble others send.
set -euf
list=
for proxy in ${BRICKGATE_TRUSTED_PROXIES?}; do
  case $proxy in
    *[!0-9A-Fa-f.:/]*) echo "BRICKGATE_TRUSTED_PROXIES holds what is no address" >&2; exit 1 ;;
  esac
  list="$list \"$proxy\" => \"trust\","
done
[ -n "$list" ] || exit 0
echo "extforward.forwarder = ($list )"
case ${BRICKGATE_PROXIES_SAY?} in
  x_forwarded_for) echo 'extforward.headers = ( "X-Forwarded-For" )' ;;
  # a header would count, too, if it came from an address in the list: this one cannot be sent
  proxy_protocol) echo 'extforward.hap-PROXY = "enable"  extforward.headers = ( "no header" )' ;;
  *) echo "BRICKGATE_PROXIES_SAY is neither x_forwarded_for nor proxy_protocol" >&2; exit 1 ;;
esac
