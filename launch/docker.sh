#!/bin/bash
# `make up RUNTIME=docker` and `make down RUNTIME=docker`: the gateway by docker-compose.yml;
# without a configuration, the demo.
set -euo pipefail
cd "$(dirname "$0")/.."

export BRICKGATE_BUILD_NETWORK=${BRICKGATE_BUILD_NETWORK:-host}
compose() { docker compose --profile demo "$@"; }

case ${1:-} in
  up) ;;
  down) compose down --remove-orphans; exit ;;
  logs) compose logs --follow --tail 20; exit ;;
  *) echo "usage: docker.sh up|down|logs" >&2; exit 64 ;;
esac

if ! docker compose version >/dev/null 2>&1 || ! docker info >/dev/null 2>&1; then
  echo 'brickgate: no Docker engine with Compose answers here' >&2
  exit 1
fi
profile=(--profile demo)
[ ! -f .env ] && [ -z "${DATABRICKS_HOST:-}" ] || profile=()
launch/make-images.sh debian:forky-slim debian:trixie-slim node:24-trixie-slim "${BRICKGATE_REDIS_IMAGE:-redis:8.0}"
docker compose "${profile[@]}" build --quiet
if ! docker compose "${profile[@]}" up --detach --wait --quiet-pull; then
  compose logs --no-log-prefix --tail 30 demo-init init redis-init >&2
  exit 1
fi

if [ ${#profile[@]} = 0 ]; then
  echo 'Brickgate is up; state of its parts: docker compose ps'
  exit
fi
mkdir -p .run
compose cp demo:/var/lib/brickgate/demo/host/. .run 2>/dev/null
cat <<'TRY'
Brickgate is up, as a demo on loopback (there is no .env). Try:

  . .run/demo.env
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_ALICE" \
    "$BRICKGATE_URL/api/2.1/clusters/list"                      # 200: alice may list clusters
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_BOB" -d '{}' \
    "$BRICKGATE_URL/api/2.1/clusters/start"                     # 403: bob may not start one
  docker compose exec sidecar brickgate revoke subject 'demo|alice' --reason try
                                                                # and alice is out at once
  curl "$BRICKGATE_ADMIN_URL/metrics"; docker compose logs -f sidecar
TRY
