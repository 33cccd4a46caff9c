/**
 * A throw-away host for tests that need a kernel.
 *
 *     await using host = await createHost({ outside: true });
 *     await host.run('ip', '-j', 'link');                  // stdout; throws when the exit code is not 0
 *     const { code, stderr } = await host.exec(['ping', '-c1', OUTSIDE.ip4]);
 *     await host.outside.exec(['tcpdump', '-ni', 'eth0']); // the other end of the veth pair
 *     const daemon = await host.startDaemon();             // the real berthd, with its own roots, ready
 *     await daemon.docker('run', '--rm', 'busybox', 'true');
 *     await daemon.stop();                                 // SIGTERM; or kill9(), restart()
 *
 * "Host" is a network, mount and PID namespace of its own: private mounts, a fresh /run, /sys of its network namespace,
 * its own /etc/resolv.conf and /etc/hosts, /proc of its processes. With `outside` its eth0 (OUTSIDE.host4) is joined
 * by a veth pair to a second namespace (OUTSIDE.ip4), to which the default route leads: what leaves the host is seen
 * there and goes no further; no port is open there, and every packet to one is refused, not just one in a second.
 * `host.root` (/tmp/b-…) is the same directory inside and outside, so sockets and files below it can be used from the test
 * itself. `host.pid` is PID 1 of the host as this process sees it: /proc/<pid>/ns/net, /proc/<pid>/root/…
 *
 * hostTest(name, { outside: true }, async (host) => …) is the same as a whole test.
 *
 * When the test process dies, however it dies, the pipe to PID 1 closes and the kernel ends everything in the host.
 * On dispose every daemon that is up has its containers removed and is stopped; then what is left inside (processes,
 * links, mounts, cgroups) and any change of the machine itself fail the test with a list of the differences.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { messageOf } from '../../src/errors.ts';
import { startDaemon } from './daemon.ts';
import type { Daemon, DaemonOptions } from './daemon.ts';
import { cgroupsOf, insideState, leftovers, machineState, removeCgroups } from './snapshot.ts';
import { until } from './wait.ts';

/** Documentation addresses (RFC 5737, RFC 3849): no machine's own. */
export const OUTSIDE = {
  ip4: '198.51.100.1',
  ip6: '2001:db8:51::1',
  host4: '198.51.100.2',
  host6: '2001:db8:51::2',
  subnet4: '198.51.100.0/24',
  subnet6: '2001:db8:51::/64',
} as const;

export interface ExecResult {
  stdout: string;
  stderr: string;
  /** 128 + n when the program ended by signal n. */
  code: number;
}

export interface ExecOptions {
  input?: string | Buffer;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Milliseconds until the program is ended by SIGKILL and the call fails; 30,000 by default. */
  timeout?: number;
}

/** One network namespace of the throw-away host, as a place to run programs in. */
export interface Place {
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** stdout; throws, with stderr, when the exit code is not 0. */
  run(...argv: string[]): Promise<string>;
  /** The caller owns the process; it is ended with the host at the latest. */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
}

export interface Host extends Place, AsyncDisposable {
  /** PID 1 of the host, as the test process sees it. */
  readonly pid: number;
  /** Short directory of the test's own, removed on dispose. */
  readonly root: string;
  /** Absolute cgroup path of this host's containers: '/b-…'. */
  readonly cgroupParent: string;
  /** Fails when the host was made without `outside`. */
  readonly outside: Place;
  startDaemon(options?: DaemonOptions): Promise<Daemon>;
  /** Fails when something that the host's containers or daemons made is still there. Dispose does the same. */
  assertClean(): Promise<void>;
}

export interface HostOptions {
  /** Join an outside namespace by a veth pair and a default route. */
  outside?: boolean;
  /** Keep the machine's cgroup2 mount beside its v1 hierarchies, which crun 1.8.1 refuses. */
  hybridCgroups?: boolean;
  /** The test leaves something on purpose (a daemon killed and never started again): only the machine is compared. */
  leavesContainers?: boolean;
  /** Called with its PID before what is there at the beginning is noted: gives it further links (see underlay.ts). */
  attach?: (pid: number) => Promise<void>;
}

/** crun makes plain directories where the mount was: they shall not lie in the machine's own tmpfs. */
const HIDE_CGROUP2 =
  'if umount -l /sys/fs/cgroup/unified 2>/dev/null; then mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi';

const setup = (root: string, { outside, hybridCgroups }: HostOptions): string => `
set -e
read -r pid rest </proc/self/stat
mount -t proc proc /proc
${hybridCgroups ? '' : HIDE_CGROUP2}
mkdir ${root}/cg
mount --move /sys/fs/cgroup ${root}/cg
mount -t sysfs sysfs /sys
mount --move ${root}/cg /sys/fs/cgroup
rmdir ${root}/cg
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns /run/lock
mount --bind ${root}/etc/resolv.conf /etc/resolv.conf
mount --bind ${root}/etc/hosts /etc/hosts
${
  outside
    ? `touch /run/outside
unshare --net=/run/outside true
ip -batch - <<X
link set lo up
link add eth0 type veth peer name eth0 netns /run/outside
link set eth0 up
X
nsenter --net=/run/outside sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit'
nsenter --net=/run/outside ip -batch - <<X
link set lo up
link set eth0 up
addr add ${OUTSIDE.ip4}/24 dev eth0
addr add ${OUTSIDE.ip6}/64 dev eth0 nodad
X
ip -batch - <<X
addr add ${OUTSIDE.host4}/24 dev eth0
addr add ${OUTSIDE.host6}/64 dev eth0 nodad
route add default via ${OUTSIDE.ip4}
X
ip -6 route add default via ${OUTSIDE.ip6}`
    : 'ip link set lo up'
}
echo "$pid"
exec tini -s -- cat >/dev/null 2>&1
`;

/** Takes about 60 ms. */
export async function createHost(options: HostOptions = {}): Promise<Host> {
  const machineBefore = machineState();
  const root = mkdtempSync('/tmp/b-');
  mkdirSync(`${root}/etc`);
  writeFileSync(`${root}/etc/resolv.conf`, `nameserver ${OUTSIDE.ip4}\nsearch example.test\n`);
  writeFileSync(`${root}/etc/hosts`, '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n');
  const holder = spawn(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c'].concat(
      setup(root, options),
    ),
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const exited = once(holder, 'exit');
  const pid = Number(await firstLine(holder));
  await until(() => [...insideState(pid)].some((line) => line.endsWith(': cat')));
  await options.attach?.(pid);
  // Children that a failed test forgot must not keep the runner waiting for their pipes.
  const spawned = new Set<ChildProcess>();
  const enter = (namespaces: readonly string[]): Place => place(['nsenter', '-t', `${pid}`, ...namespaces], spawned);
  const inside = enter(['-n', '-m', '-p']);
  const outside = options.outside ? enter(['-m', '-p', `--net=/proc/${pid}/root/run/outside`]) : undefined;
  const cgroupParent = `/${basename(root)}`;
  const daemons: Daemon[] = [];
  const baseline = insideState(pid);

  const assertNothing = async (what: string, look: () => string[] | Promise<string[]>): Promise<void> => {
    // A namespace that was dropped takes its interfaces along some 30 ms later.
    await until(async () => (await look()).length === 0, 3000).catch(() => undefined);
    assert.deepEqual(await look(), [], what);
  };
  /** After the last daemon was stopped in order: neither bridges nor rules are left. */
  const assertGone = async (): Promise<void> => {
    await assertNothing('something was left by a daemon that was stopped', () =>
      leftovers(baseline, insideState(pid, { all: true })),
    );
    const { stdout } = await inside.exec(['nft', 'list', 'ruleset']);
    assert.deepEqual(
      stdout.split('\n').filter((line) => /\bberth|"docker\d|"br-/.test(line)),
      [],
      'rules were left by a daemon that was stopped',
    );
  };

  const host: Host = {
    ...inside,
    pid,
    root,
    cgroupParent,
    get outside() {
      assert.ok(outside, 'this host was made without { outside: true }');
      return outside;
    },
    async startDaemon(daemonOptions = {}) {
      const daemon = await startDaemon(host, daemonOptions, daemons.length);
      daemons.push(daemon);
      return daemon;
    },
    async assertClean() {
      await assertNothing('something was left on the throw-away host', () => leftovers(baseline, insideState(pid)));
      assert.deepEqual(cgroupsOf(cgroupParent), [], 'cgroups were left behind');
    },
    async [Symbol.asyncDispose]() {
      await using cleanup = new AsyncDisposableStack();
      cleanup.defer(async () => {
        const before = await machineBefore;
        const differs = async (): Promise<string[]> => leftovers(before, await machineState(true));
        // Other tests run beside this one: what they are about to take away is not a difference.
        await until(async () => (await differs()).length === 0, 3000).catch(() => undefined);
        assert.deepEqual(await differs(), [], 'the machine is not as it was before the test');
      });
      cleanup.defer(() => rmSync(root, { recursive: true, force: true }));
      cleanup.defer(() => removeCgroups(cgroupParent));
      cleanup.defer(async () => {
        holder.stdin.destroy();
        holder.kill('SIGKILL');
        for (const child of spawned) child.kill('SIGKILL');
        await exited;
      });
      const up = daemons.filter((daemon) => daemon.running());
      for (const daemon of up) await daemon.removeContainers();
      for (const daemon of up) await daemon.stop();
      if (options.leavesContainers) return;
      await host.assertClean();
      if (up.length > 0) await assertGone();
    },
  };
  return host;
}

/**
 * A test on a host. Against `await using` in a test it has one advantage: when the body fails *and* the host is not
 * clean after it, both are reported (the runner shows nothing of a SuppressedError but its name).
 */
export function hostTest(
  name: string,
  options: HostOptions & { skip?: string | false },
  body: (host: Host) => Promise<void>,
): void {
  void test(name, { skip: options.skip ?? false }, async () => {
    const host = await createHost(options);
    let failure: unknown;
    await body(host).catch((error: unknown) => (failure = error));
    try {
      await host[Symbol.asyncDispose]();
    } catch (error) {
      if (failure === undefined) throw error;
      process.stderr.write(`${name}: after the failure below: ${messageOf(error)}\n`);
    }
    if (failure !== undefined) throw failure as Error;
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      stdout += data.toString();
      if (stdout.includes('\n')) resolve(stdout.trim());
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`the throw-away host could not be made: ${stderr}`)));
  });
}

function place(prefix: readonly string[], spawned: Set<ChildProcess>): Place {
  const spawnIn = (argv: readonly string[], options: SpawnOptions = {}): ChildProcess => {
    const [command = '', ...rest] = [...prefix, ...(options.cwd ? [`--wd=${String(options.cwd)}`] : []), '--', ...argv];
    const child = spawn(command, rest, { ...options, cwd: '/' });
    spawned.add(child);
    child.once('exit', () => spawned.delete(child));
    return child;
  };
  const execIn = async (argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> => {
    const child = spawnIn(argv, {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    return collect(child, argv, options);
  };
  return {
    spawn: spawnIn,
    exec: execIn,
    async run(...argv) {
      const { stdout, stderr, code } = await execIn(argv);
      assert.equal(code, 0, `${argv.join(' ')}: exit code ${code}\n${stderr}${stdout}`);
      return stdout;
    },
  };
}

async function collect(child: ChildProcess, argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const chunks: { out: Buffer[]; err: Buffer[] } = { out: [], err: [] };
  child.stdout?.on('data', (data: Buffer) => chunks.out.push(data));
  child.stderr?.on('data', (data: Buffer) => chunks.err.push(data));
  // A program may end without reading its input.
  child.stdin?.on('error', () => undefined).end(options.input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
    // What it started inside may hold the other ends, and would be waited for without end.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, options.timeout ?? 30_000);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  const stdout = Buffer.concat(chunks.out).toString();
  const stderr = Buffer.concat(chunks.err).toString();
  assert.ok(!late, `${argv.join(' ')} did not end in time\n${stderr}${stdout}`);
  return { stdout, stderr, code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15) };
}
