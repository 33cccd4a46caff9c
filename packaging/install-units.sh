#!/bin/sh
# Installs berthd as a systemd service with socket activation, for this copy of the package:
#   sh "$(npm root -g)/berth/packaging/install-units.sh" && systemctl enable --now berth.socket berth.service
# DIR as the first argument: where the units go instead of /etc/systemd/system.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
units=${1-/etc/systemd/system}
berthd=${here%/packaging}/bin/berthd

if [ ! -d "$units" ] || [ ! -w "$units" ]; then
  echo "berth: cannot write to $units; run this as root on a machine with systemd." >&2
  exit 1
fi
if [ -z "${1-}" ]; then getent group berth >/dev/null || groupadd --system berth; fi
for unit in berth.service berth.socket; do
  sed "s|@BERTHD@|$berthd|" "$here/$unit" >"$units/.$unit.new"
  mv "$units/.$unit.new" "$units/$unit"
done
if [ -z "${1-}" ]; then systemctl daemon-reload; fi
echo "berth: installed $units/berth.service and berth.socket"
