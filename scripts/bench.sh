#!/bin/sh
# npm run bench [-- --quick --only NAME --write-docs]: figures against the peers that are installed, in one run.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
sh scripts/setup.sh tests
exec sh scripts/node.sh bench/main.ts "$@"
