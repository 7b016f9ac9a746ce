#!/bin/sh
# Prints whether lighttpd offers HTTP/2, which it does from version 1.4.83 on. lighttpd.conf runs
# this script at each start and reload. The script asks the program that reads the configuration for
# its version, so no setting can be wrong about it.
#
# INVARIANT: a truncated answer never arrives as complete, or clients would miss data silently. Over
# HTTP/2, lighttpd below 1.4.83 ends a truncated chunked answer like a complete answer; below 1.4.77
# it also loses request bodies in authorizer mode (lighttpd #3272). Over HTTP/1.1 the bodies arrive,
# and the client notices a truncated answer, unless it was cut before its headers were sent.
#
# Rejects 1.4.80, where trailers of a request change its judged headers.
set -euf
IFS='
'
command=$(tr '\0' '\n' < "/proc/$PPID/cmdline")
set --
for word in $command; do
  case $word in -*f | -D | -t | -tt | -1 | -p) break ;; esac
  set -- "$@" "$word"
done
version=$("$@" -v | sed -n 's#^lighttpd/\([0-9]*\.[0-9]*\.[0-9]*\).*#\1#p')
IFS=. read -r major minor patch <<VERSION
$version
VERSION
case $version in
  '') echo "no version of lighttpd from $*" >&2; exit 1 ;;
  1.4.80) echo "lighttpd 1.4.80 lets trailers of a request change its headers: use 1.4.81 or newer" >&2; exit 1 ;;
esac
if [ $((major * 1000000 + minor * 1000 + patch)) -ge 1004083 ]; then
  echo 'var.http2 = "enable"'
else
  echo 'var.http2 = "disable"'
fi
