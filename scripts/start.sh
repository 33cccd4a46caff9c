#!/bin/sh
# npm start: sets up, starts berthd in the background unless one answers already, runs a first container.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
socket=/run/berth/berth.sock
log=/run/berth/berthd.log
pidfile=/run/berth/berth.pid
berth="$root/bin/berth -H unix://$socket"

if [ "$(id -u)" -ne 0 ]; then
  echo "berth: this needs root (it makes network namespaces and starts containers); run it as root." >&2
  exit 1
fi
sh "$root/scripts/setup.sh"

answers() { $berth version >/dev/null 2>&1; }
step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

if answers; then
  echo "berthd runs already (PID $(cat $pidfile 2>/dev/null || echo unknown), $socket)."
else
  mkdir -p -m 711 /run/berth
  printf 'Starting berthd '
  # In a session of its own: Ctrl-C here is not meant for it.
  setsid "$root/bin/berthd" </dev/null >>$log 2>&1 &
  daemon=$!
  trap 'echo; kill "$daemon" 2>/dev/null; exit 130' INT TERM
  tries=0
  until answers; do
    if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -ge 100 ]; then
      printf '\nberth: berthd did not start; the end of %s:\n' $log >&2
      tail -n 15 $log >&2
      kill "$daemon" 2>/dev/null || :
      exit 1
    fi
    tries=$((tries + 1))
    printf .
    sleep 0.1
  done
  trap - INT TERM
  echo " ready (PID $(cat $pidfile), log in $log)"
fi

step "berth run --rm busybox ifconfig"
$berth run --rm busybox ifconfig

# As the caller would type it: the commands may not be on the PATH.
name=$root/bin/berth
case $PWD/ in "$root"/*) name=bin/berth ;; esac
if [ "$(command -v berth || :)" = "$root/bin/berth" ]; then name=berth; fi
cat <<EOF

That was a container on the default bridge. What to type next:
  $name network ls                          the networks that every host has
  $name run -it --rm busybox                a shell in a container
  $name run --rm --network none busybox ifconfig
  $name tour                                the whole tutorial, in a throw-away host
  docker -H unix://$socket ps               the stock client works too
Stop the daemon (containers keep running):  kill \$(cat $pidfile)
EOF
