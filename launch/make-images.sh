#!/bin/bash
# Makes images under the tags that the Dockerfiles and docker-compose.yml name, from Debian packages
# and npm, for machines that reach no image registry. An image that is there, or can be pulled, is
# left as it is.
#
# usage: make-images.sh [TAG...], by default all. Needs Docker, mmdebstrap, npm and root.
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=24.21.0
npm_version=11.21.2
known=(debian:forky-slim debian:trixie-slim debian:bookworm-slim node:24-trixie-slim redis:8.0 redis:7.0 valkey/valkey:8.1 prom/prometheus:v2.53.3)

main() {
  local tag
  for tag in "${@:-${known[@]}}"; do
    has "$tag" || pull "$tag" || make_image "$tag"
  done
}

has() { docker image inspect "$1" >/dev/null 2>&1; }
pull() { timeout 300 docker pull --quiet "$1" >/dev/null 2>&1; }

make_image() {
  echo "brickgate: making $1 from packages"
  case $1 in
    debian:forky-slim) debian forky "$1" ;;
    debian:trixie-slim) debian trixie "$1" ;;
    debian:bookworm-slim) debian bookworm "$1" ;;
    node:24-trixie-slim) node "$1" ;;
    redis:8.0) from_packages trixie "$1" redis-server redis 'redis-server' ;;
    redis:7.0) from_packages bookworm "$1" redis-server redis 'redis-server' ;;
    valkey/valkey:8.1) from_packages trixie "$1" valkey-server valkey 'valkey-server' ;;
    prom/prometheus:v2.53.3) from_packages trixie "$1" prometheus prometheus 'prometheus' ;;
    *) echo "brickgate: no recipe for $1" >&2; exit 1 ;;
  esac
}

# How this machine's apt and TLS reach packages: proxies, mirrors' authorities.
host_settings() {
  local etc=$1/etc
  mkdir -p "$etc/apt/apt.conf.d" "$etc/ssl/certs"
  apt-config dump Acquire > "$etc/apt/apt.conf.d/90host"
  # a mirror may be a snapshot, whose lists of packages are past their date
  printf '%s\n' 'Acquire::Retries "3";' 'Acquire::Check-Valid-Until "false";' > "$etc/apt/apt.conf.d/91host"
  cp /etc/ssl/certs/ca-certificates.crt "$etc/ssl/certs/host.crt"
  # as in Debian's own images: apt keeps no copies in a layer
  printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' > "$etc/apt/apt.conf.d/docker-clean"
}

debian() {
  local suite=$1 tag=$2 root
  root=$(mktemp -d)
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Retries "3"' \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log' \
    "$suite" "$root/base"
  host_settings "$root/base"
  tar -C "$root/base" -c . | docker import --change 'CMD ["bash"]' - "$tag" >/dev/null
  rm -rf "$root"
}

node() {
  local tag=$1 context
  has debian:trixie-slim || make_image debian:trixie-slim
  context=$(mktemp -d)
  npm install --prefix "$context" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
    "node-linux-$(node_arch)@$node_version" "npm@$npm_version" >/dev/null
  mkdir -p "$context/root/bin" "$context/root/lib/node_modules" "$context/root/etc"
  cp "$context/node_modules/node-linux-$(node_arch)/bin/node" "$context/root/bin/"
  cp -r "$context/node_modules/npm" "$context/root/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$context/root/bin/npm"
  printf 'registry=%s\ncafile=/etc/ssl/certs/host.crt\n' "$(npm config get registry)" \
    > "$context/root/etc/npmrc"
  docker build --quiet --network host --tag "$tag" --file - "$context" >/dev/null <<'DOCKERFILE'
FROM debian:trixie-slim
COPY root /usr/local
CMD ["node"]
DOCKERFILE
  rm -rf "$context"
}

node_arch() { [ "$(uname -m)" = aarch64 ] && echo arm64 || echo x64; }

# An image with one package, whose user has the number that the official image gives it.
from_packages() {
  local suite=$1 tag=$2 package=$3 user=$4 command=$5
  has "debian:$suite-slim" || make_image "debian:$suite-slim"
  docker build --quiet --network host --tag "$tag" - >/dev/null <<DOCKERFILE
FROM debian:$suite-slim
RUN groupadd --system --gid 999 $user && useradd --system --uid 999 --gid 999 $user \
 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $package \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /data /prometheus \\
 && chown 999:999 /data && chown 65534:65534 /prometheus
WORKDIR /data
CMD ["$command"]
DOCKERFILE
}

main "$@"
