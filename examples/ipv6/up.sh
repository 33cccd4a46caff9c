#!/bin/sh
# outside ── [::]:8086 ── web ── six, a network without IPv4 ── ask
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
berth=${BERTH:-$here/../../bin/berth}

$berth network create --ipv4=false --ipv6 --subnet fd00:6::/64 six
$berth run -d --name web --network six --ip6 fd00:6::80 -p '[::]:8086:80' --init --restart unless-stopped \
  -v "$here/web.mjs:/web.mjs:ro" node node /web.mjs
$berth run -d --name ask --network six --init busybox sleep infinity
