#!/bin/sh
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
berth=${BERTH:-$here/../../bin/berth}

$berth rm -f ticker web1
