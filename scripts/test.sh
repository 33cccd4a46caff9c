#!/bin/sh
# npm test: everything. `unit`: only what stands beside the code. `long`: the longer runs beside the suite.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
sh scripts/setup.sh tests
case "${1-all}" in
  unit) set -- 'src/**/*.test.ts' ;;
  long) set -- 'test/**/*.long.ts' ;;
  *)
    npx --no-install tsc -p tsconfig.json
    npx --no-install oxlint --type-aware --quiet
    set -- 'src/**/*.test.ts' 'test/**/*.test.ts'
    ;;
esac
exec sh scripts/node.sh --test --test-concurrency=2 "$@"
