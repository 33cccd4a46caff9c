#!/bin/sh
# Installs what is missing and builds what is stale; says nothing and takes a moment when there is nothing to do.
#   setup.sh          what running containers needs
#   setup.sh tests    and what the tests assert with
#   setup.sh clients  and the applications and clients of the longer suite
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

if [ "$(id -u)" -ne 0 ]; then
  echo "berth: this needs root (it installs Debian packages and makes network namespaces); run it as root." >&2
  exit 1
fi

# program:package, or file:package
programs="conmon:conmon crun:crun runc:runc skopeo:skopeo nft:nftables iptables:iptables busybox:busybox-static
  tini:tini brctl:bridge-utils ip:iproute2"
if [ "${1-}" = tests ] || [ "${1-}" = clients ]; then
  programs="$programs ping:iputils-ping tcpdump:tcpdump docker-registry:docker-registry expect:expect
  unshare:util-linux openssl:openssl socat:socat dig:bind9-dnsutils xz:xz-utils bzip2:bzip2 pgrep:procps zsh:zsh
  dnsmasq:dnsmasq-base
  etcd:etcd-server etcdctl:etcd-client wg:wireguard-tools
  docker-compose:docker-compose buildah:buildah
  /usr/lib/python3/dist-packages/docker/client.py:python3-docker
  /usr/bin/docker:docker.io"
fi
if [ "${1-}" = clients ]; then
  programs="$programs nginx:nginx-light redis-server:redis-server apache2:apache2 psql:postgresql"
fi
missing=
for pair in $programs; do
  [ -e "${pair%%:*}" ] || command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 || {
    echo "berth: missing:$missing; this machine has no apt-get, so install them with its own package manager." >&2
    exit 1
  }
  echo "berth: installing$missing"
  log=$(mktemp)
  # A package must not start its service: berth runs the programs itself.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] && policy= || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy; }
  trap '[ -n "$policy" ] && rm -f "$policy"; rm -f "$log"' EXIT
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of words is meant
  { apt-get install -y --no-install-recommends $missing || { apt-get update && apt-get install -y --no-install-recommends $missing; }; } >"$log" 2>&1 || {
    cat "$log" >&2
    echo "berth: apt-get could not install:$missing" >&2
    exit 1
  }
fi

if [ ! -e node_modules/.berth-lock ] || ! cmp -s package-lock.json node_modules/.berth-lock; then
  echo "berth: installing the locked npm dependencies"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.berth-lock
fi

# Testcontainers brings 170 packages: they stand apart, with a lock of their own.
clients=test/clients/packages
if [ "${1-}" = clients ] && ! cmp -s $clients/package-lock.json $clients/node_modules/.berth-lock; then
  echo "berth: installing the clients of the longer suite"
  (cd $clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp $clients/package-lock.json $clients/node_modules/.berth-lock
fi

if [ ! -e dist/berthd.cjs ] || [ -n "$(find src scripts/build.mjs package.json -newer dist/berthd.cjs -print -quit)" ]; then
  sh scripts/node.sh scripts/build.mjs
fi
