#!/bin/bash
# Keeps the composed gateway running. What crashes is the engine's to start again; a container that somebody or
# something stopped, killed or paused the engine leaves as it is: this sees to it that it goes on within seconds.
# Whoever means to stop the gateway, or to put another version in its place, ends this first.
#
# usage: keep.sh [PROJECT]    the project's name, `brickgate` unless COMPOSE_PROJECT_NAME says another
set -uo pipefail

project=${1:-${COMPOSE_PROJECT_NAME:-brickgate}}
EVERY_S=2

# A line a container: its id, its state, whether the engine is to restart it, and its name.
FORMAT='{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.Name}}'

containers() {
  local ids
  ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.oneoff=False) || return
  # shellcheck disable=SC2086 # ids are words
  [ -z "$ids" ] || docker inspect --format "$FORMAT" $ids 2>/dev/null || true # one may be gone by now
}

# What to do for a container, if anything. Steps that end by themselves have no restart policy.
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
