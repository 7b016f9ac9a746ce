#!/bin/bash
# Provides a Docker engine with Compose, for continuous integration on a bare Debian machine:
# installs missing packages, and starts an engine if none answers.
#
# usage: engine.sh up PIDFILE    prints nothing and succeeds when an engine answers
#        engine.sh down PIDFILE  ends the engine that `up` started, if it did
set -euo pipefail
cd "$(dirname "$0")/.."

action=${1:?up or down} pid_file=${2:?the file for the pid}
READY_WITHIN_S=60

answers() { docker version >/dev/null 2>&1; }

install_engine() {
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    apt-get update -qq
    local packages=(docker.io iptables)
    # a package of its own from Debian 13 on
    if apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${packages[@]}" >/dev/null
  fi
  docker compose version >/dev/null 2>&1 || install_compose
}

# Debian has Compose 2 from release 13 on; its program runs on Debian 12 as well.
install_compose() {
  local lab plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  lab=$(mktemp -d)
  mkdir -p "$lab/lists/partial" "$lab/archives/partial" "$plugins"
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
    > "$lab/sources.list"
  local options=(-o "Dir::Etc::sourcelist=$lab/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$lab/lists" -o "Dir::Cache=$lab" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$lab" && apt-get "${options[@]}" download -qq docker-compose)
  dpkg-deb --extract "$lab"/docker-compose_*.deb "$lab/root"
  cp "$lab/root/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/"
  rm -rf "$lab"
}

start_engine() {
  mkdir -p "$(dirname "$pid_file")"
  nohup dockerd --pidfile "$pid_file" > "${pid_file%.pid}.log" 2>&1 &
  for _ in $(seq $READY_WITHIN_S); do
    answers && return
    sleep 1
  done
  tail -n 20 "${pid_file%.pid}.log" >&2
  return 1
}

case $action in
  up)
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && install_engine
    answers || start_engine
    ;;
  down)
    [ -s "$pid_file" ] || exit 0
    pid=$(cat "$pid_file")
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
    ;;
esac
