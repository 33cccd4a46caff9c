#!/bin/sh
# outside ── 8081 ── web1: httpd
#         ── 8082 ── in the same network namespace: ticker, a second container
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
berth=${BERTH:-$here/../../bin/berth}

$berth run -d --name web1 -p 8081:80 -p 8082:9000 httpd
# It has the interfaces, the addresses and the published ports of web1: `127.0.0.1` is the same for both.
$berth run -d --name ticker --network=container:web1 --init -v "$here/ticker.sh:/ticker.sh:ro" busybox \
  nc -ll -p 9000 -e /ticker.sh
