#!/bin/bash
# Keeps the composed gateway running. The engine restarts a container that crashes, and leaves a
# container that was stopped, killed or paused as it is. This program lets such a container go on
# within seconds. End this program before you stop the gateway or put another version in its place.
#
# usage: keep.sh [PROJECT]    the project's name; by default COMPOSE_PROJECT_NAME, else `brickgate`
set -uo pipefail

project=${1:-${COMPOSE_PROJECT_NAME:-brickgate}}
EVERY_S=2

# A line a container: its id, its state, whether the engine is to restart it, and its name.
FORMAT='{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.Name}}'

containers() {
  local ids
  ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.oneoff=False) || return
  # a container may be gone by now
  # shellcheck disable=SC2086 # ids are words
  [ -z "$ids" ] || docker inspect --format "$FORMAT" $ids 2>/dev/null || true
}

# Prints the command for a container, if any. Steps that end by themselves have no restart policy.
remedy() {
  local state=$1 policy=$2
  [ "$policy" != no ] || return 0
  case $state in
    exited | dead) echo start ;;
    paused) echo unpause ;;
  esac
}

declare -A before=() now
while true; do
  now=()
  while read -r id state policy name; do
    action=$(remedy "$state" "$policy")
    [ -n "$action" ] || continue
    # seen twice: not on its way to another state, as in a restart or a `docker compose up`
    if [ "${before[$id]-}" != "$action" ]; then
      now[$id]=$action
      continue
    fi
    echo "brickgate: ${name#/} is $state: $action"
    docker "$action" "$id" >/dev/null || echo "brickgate: ${name#/}: $action failed" >&2
  done < <(containers)
  before=()
  for id in "${!now[@]}"; do before[$id]=${now[$id]}; done
  sleep "$EVERY_S"
done
