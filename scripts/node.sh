#!/bin/sh
# Runs its arguments with the Node that the launchers use.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/scripts/node-path.sh"
exec "$node" --disable-warning=ExperimentalWarning "$@"
