/**
 * A throw-away host `a`: network, mount and PID namespaces of its own, and a second network namespace, joined by a veth
 * pair, that is all the world it can reach. On the same wire is a second host `b`, made of the same namespaces within the first's. A shell outside the namespaces waits for their end and removes the
 * directory and the control groups. That shell and PID 1 within hang on one pipe from this process: however the tour
 * ends, kill -9 included, the kernel ends everything inside and the shell cleans up.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type HostName, WORLD } from './steps.ts';

const { host, second, outside, prefix } = WORLD;

/** Runs as PID 1 of the namespaces; prints its PID as the machine knows it when all is ready. $1: the directory. */
const INSIDE = `set -e
read -r pid rest </proc/self/stat
mount -t proc proc /proc
if umount -l /sys/fs/cgroup/unified 2>/dev/null; then mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi
mkdir "$1/cg"
mount --move /sys/fs/cgroup "$1/cg"
mount -t sysfs sysfs /sys
mount --move "$1/cg" /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns /run/lock
resolv=$(readlink -m /etc/resolv.conf)
case $resolv in /run/*) mkdir -p "\${resolv%/*}"; : >"$resolv" ;; esac
if [ -e "$resolv" ]; then
  echo "nameserver ${outside}" >"$1/resolv.conf"
  mount --bind "$1/resolv.conf" "$resolv"
fi
touch /run/netns/outside
unshare --net=/run/netns/outside true
unshare --net --mount --pid --fork --kill-child --propagation private sh -c "$2" sh "$1" >/dev/null 2>&1 &
until [ -s "$1/b.pid" ]; do sleep 0.01; done
read -r b <"$1/b.pid"
ip link set lo up
ip link add eth0 type veth peer name to-a netns /run/netns/outside
ip addr add ${host}/${prefix} dev eth0
ip link set eth0 up
nsenter --net=/run/netns/outside ip -batch - <<X
link add lan type bridge
link add to-b type veth peer name eth0 netns $b
link set to-a up master lan
link set to-b up master lan
addr add ${outside}/${prefix} dev lan
link set lan up
X
nsenter -t "$b" -n ip -batch - <<X
link set lo up
addr add ${second}/${prefix} dev eth0
link set eth0 up
route add default via ${outside}
X
ip route add default via ${outside}
echo "$pid"
exec 3<&0 >/dev/null 2>&1
cat <&3 &
wait "$!"`;

/** PID 1 of host b. $1: the directory. It ends with a's namespaces. */
const SECOND = `set -e
read -r pid rest </proc/self/stat
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
echo "$pid" >"$1/b.pid.new"
mv "$1/b.pid.new" "$1/b.pid"
exec sleep infinity`;

/** crun refuses cgroup2 beside v1 hierarchies, hence the umount above. $1: directory, $2: name of the control group. */
const OUTSIDE = `unshare --net --mount --pid --fork --kill-child --propagation private sh -c "$3" sh "$1" "$4"
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -d "$hierarchy/$2" ] || break
    find "$hierarchy/$2" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
  done
done
rm -rf --one-file-system "$1"`;

export interface World extends AsyncDisposable {
  /** Directory of the tour's own, the same inside and outside. */
  readonly root: string;
  /** Control group of its containers: '/berth-tour-…'. */
  readonly cgroup: string;
  /** A program on one of the hosts; it ends with the world at the latest. */
  spawn(argv: readonly string[], on: HostName): ChildProcess;
}

export async function makeWorld(): Promise<World> {
  const root = mkdtempSync('/tmp/berth-tour-');
  const name = basename(root);
  // A session of its own: Ctrl-C is for the tour, which then lets go of the pipe.
  const keeper = spawn('sh', ['-c', OUTSIDE, 'sh', root, name, INSIDE, SECOND], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
  });
  const exited = once(keeper, 'exit');
  // Whoever ends first, the pipe breaks; there is nobody to tell.
  keeper.stdin.on('error', () => undefined);
  const pid = await readyPid(keeper);
  return {
    root,
    cgroup: `/${name}`,
    spawn(argv, on) {
      const enter = (pid: string): string[] => ['nsenter', '-t', pid, '-n', '-m', '-p', '--'];
      // b is known within a only.
      const within = on === 'b' ? enter(readFileSync(`${root}/b.pid`, 'utf8').trim()) : [];
      const [program = '', ...rest] = [...enter(String(pid)), ...within, ...argv];
      return spawn(program, rest, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    },
    async [Symbol.asyncDispose]() {
      keeper.stdin.destroy();
      await exited;
    },
  };
}

async function readyPid(keeper: ChildProcess): Promise<number> {
  let said = '';
  let errors = '';
  keeper.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
  return new Promise((resolve, reject) => {
    keeper.stdout?.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('\n')) resolve(Number(said));
    });
    keeper.once('error', reject);
    keeper.once('close', () => reject(new Error(`the throw-away host could not be made: ${errors.trim()}`)));
  });
}
