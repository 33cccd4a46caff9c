#!/bin/sh
# npm test: everything. `unit`: only what stands beside the code. `long`: the longer runs beside the suite.
# `clients`: applications and clients of many packages, beside it, too.
#
# At most three files that fail are run once more, one at a time and with nothing beside them (decision 0020). What
# passes only then is named at the end: it is a fault of the test, or one that load alone brings out.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
suite=${1-all}
if [ "$suite" = clients ]; then sh scripts/setup.sh clients; else sh scripts/setup.sh tests; fi
case "$suite" in
  unit) set -- 'src/**/*.test.ts' ;;
  long) set -- 'test/**/*.long.ts' ;;
  clients) set -- 'test/clients/**/*.clients.ts' ;;
  *)
    npx --no-install tsc -p tsconfig.json
    npx --no-install oxlint --type-aware --quiet
    set -- 'src/**/*.test.ts' 'test/**/*.test.ts'
    ;;
esac

failed=$(mktemp)
trap 'rm -f "$failed"' EXIT

run() {
  concurrency=$1
  shift
  sh scripts/node.sh --test --test-concurrency="$concurrency" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./scripts/failed-files.mjs --test-reporter-destination="$failed" "$@"
}

run 2 "$@" && exit 0
count=$(wc -l <"$failed")
if [ "$count" -eq 0 ] || [ "$count" -gt 3 ]; then exit 1; fi
again=$(cat "$failed")
printf '\nberth: these failed and are run once more, alone:\n%s\n\n' "$again"
# shellcheck disable=SC2086 # a list of files is meant; the repository has no spaces in its names
run 1 $again || exit 1
printf '\nberth: passed only when run alone:\n%s\n' "$again"
