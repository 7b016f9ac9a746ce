#!/bin/bash
# Keeps the composed gateway running. What crashes is the engine's to start again; a container that somebody or
# something stopped, killed or paused, or whose lighttpd or HAProxy hangs, the engine leaves as it is: this sees
# to it that it goes on within seconds. Whoever means to stop the gateway ends this first.
#
# usage: keep.sh [PROJECT]    the project's name, `brickgate` unless COMPOSE_PROJECT_NAME says another
set -uo pipefail

project=${1:-${COMPOSE_PROJECT_NAME:-brickgate}}
EVERY_S=2
STOP_WITHIN_S=5

# A line a container: its id, whether it is exited, dead, paused or running, its health, whether the engine is to
# restart it, what its label says of an unhealthy one, and its name.
FORMAT='{{.Id}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}-{{end}} {{.HostConfig.RestartPolicy.Name}} {{or (index .Config.Labels "brickgate.unhealthy") "-"}} {{.Name}}'

containers() {
  local ids
  ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.oneoff=False) || return
  # shellcheck disable=SC2086 # ids are words
  [ -z "$ids" ] || docker inspect --format "$FORMAT" $ids 2>/dev/null || true # one may be gone by now
}

# What to do for a container, if anything. Steps that end by themselves have no restart policy.
remedy() {
  local state=$1 health=$2 policy=$3 unhealthy=$4
  [ "$policy" != no ] || return 0
  case $state in
    exited | dead) echo start ;;
    paused) echo unpause ;;
    running) [ "$health $unhealthy" != 'unhealthy restart' ] || echo "restart -t $STOP_WITHIN_S" ;;
  esac
}

declare -A before=() now
while true; do
  now=()
  while read -r id state health policy unhealthy name; do
    action=$(remedy "$state" "$health" "$policy" "$unhealthy")
    [ -n "$action" ] || continue
    # seen twice: not on its way to another state, as in a restart or a `docker compose up`
    if [ "${before[$id]-}" != "$action" ]; then
      now[$id]=$action
      continue
    fi
    echo "brickgate: ${name#/} is ${health#-} $state: ${action%% *}"
    # shellcheck disable=SC2086 # a word and its options
    docker $action "$id" >/dev/null || echo "brickgate: ${name#/}: ${action%% *} failed" >&2
  done < <(containers)
  before=()
  for id in "${!now[@]}"; do before[$id]=${now[$id]}; done
  sleep "$EVERY_S"
done
