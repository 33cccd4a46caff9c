/**
 * Real etcd members on throw-away hosts, one on each, with times short enough for tests.
 *
 *     await using underlay = await createUnderlay();
 *     await using a = await underlay.host(1); …
 *     await using etcd = await startMembers([{ host: a, address: address4(1) }, …]);   // m1, m2, … in this order
 *     etcd.endpoints                                  // ['http://203.0.113.1:2379', …]
 *     await etcd.ctl('put', 'key', 'value');          // etcdctl at all members that are up: stdout
 *     const leader = await etcd.leader();             // index of the member that leads
 *     await etcd.kill(leader);                        // SIGKILL; start(leader) goes on with its data
 *     await etcd.freeze(0); await etcd.thaw(0);       // SIGSTOP: it takes connections and answers nothing
 *     await etcd.cut(0, 'peers');                     // its packets to and from the other members are dropped; 'clients', or
 *     await etcd.mend(0);                             // underlay.cut() for all
 *     const file = await etcd.save();                 // a snapshot …
 *     await etcd.restore(file);                       // … from which all members begin anew, in another cluster
 *
 * Data is on the hosts' tmpfs and goes with them.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Host } from '../support/host.ts';
import { findProgram } from '../../src/daemon/preflight.ts';
import { until } from '../support/wait.ts';

export interface MemberPlace {
  host: Host;
  /** IPv4 or IPv6, on a link of the host. */
  address: string;
}

export interface MembersOptions {
  /** Files in PEM that all members' hosts see; clients must show a certificate of `ca`. Members speak plainly among each other. */
  tls?: { ca: string; certificate: string; key: string };
  /** More arguments of etcd, e.g. '--auto-compaction-retention=1'. */
  args?: readonly string[];
}

export interface Members extends AsyncDisposable {
  readonly endpoints: readonly string[];
  ctl(...args: readonly string[]): Promise<string>;
  leader(): Promise<number>;
  /** Waits until it serves. */
  start(member: number): Promise<void>;
  /** Resolves when it is gone. */
  kill(member: number): Promise<void>;
  freeze(member: number): Promise<void>;
  thaw(member: number): Promise<void>;
  cut(member: number, from: 'peers' | 'clients'): Promise<void>;
  mend(member: number): Promise<void>;
  /** Path of the snapshot, which all hosts see. */
  save(): Promise<string>;
  /** With `sameId` the cluster keeps the ID that it has had from its start. */
  restore(file: string, options?: { sameId?: boolean }): Promise<void>;
}

/** Milliseconds. A stream at a member without a leader is ended after three elections' time. */
const HEARTBEAT = 100;
const ELECTION = 500;
const PORT = { peers: 2380, clients: 2379 } as const;

/** Why no real etcd can be had here, or false: for a test's `skip`. */
export const withoutEtcd: string | false =
  ['etcd', 'etcdctl'].some((program) => findProgram(program) === undefined) &&
  'needs etcd and etcdctl (Debian: etcd-server, etcd-client)';

export async function startMembers(places: readonly MemberPlace[], options: MembersOptions = {}): Promise<Members> {
  const scheme = options.tls ? 'https' : 'http';
  const members = places.map(({ host, address }, index) => ({
    host,
    name: `m${index + 1}`,
    data: `/run/etcd-m${index + 1}`,
    peer: `http://${bracketed(address)}:${PORT.peers}`,
    client: `${scheme}://${bracketed(address)}:${PORT.clients}`,
    process: undefined as ChildProcess | undefined,
    /** Inside its host. */
    pid: '',
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  let token = 'berth-test';
  const memberAt = (index: number): (typeof members)[number] => {
    const member = members[index];
    assert.ok(member, `there is no member ${index}`);
    return member;
  };
  const common = (index: number): string[] => {
    const { name, peer } = memberAt(index);
    return [`--name=${name}`, `--initial-cluster=${cluster}`, `--initial-cluster-token=${token}`].concat(
      `--initial-advertise-peer-urls=${peer}`,
      `--data-dir=${memberAt(index).data}`,
    );
  };
  const ctlAt = async (from: number, endpoints: readonly string[], args: readonly string[]): Promise<string> => {
    const tls = options.tls
      ? [`--cacert=${options.tls.ca}`, `--cert=${options.tls.certificate}`, `--key=${options.tls.key}`]
      : [];
    const argv = ['etcdctl', `--endpoints=${endpoints.join(',')}`, ...tls, ...args];
    const { stdout, stderr, code } = await memberAt(from).host.exec(argv, { env: { ETCDCTL_API: '3' } });
    assert.equal(code, 0, `${argv.join(' ')}: exit code ${code}\n${stderr}${stdout}`);
    return stdout;
  };
  const up = (): number[] => [...members.keys()].filter((index) => memberAt(index).process !== undefined);
  const ctl = (...args: readonly string[]): Promise<string> =>
    ctlAt(
      up()[0] ?? 0,
      up().map((index) => memberAt(index).client),
      args,
    );

  const start = async (index: number): Promise<void> => {
    const member = memberAt(index);
    assert.equal(member.process, undefined, `${member.name} is up`);
    const tls = options.tls
      ? [`--cert-file=${options.tls.certificate}`, `--key-file=${options.tls.key}`].concat(
          `--trusted-ca-file=${options.tls.ca}`,
          '--client-cert-auth',
        )
      : [];
    const argv = ['etcd', ...common(index), '--initial-cluster-state=new', '--logger=zap', '--unsafe-no-fsync'].concat(
      `--listen-peer-urls=${member.peer}`,
      `--listen-client-urls=${member.client}`,
      `--advertise-client-urls=${member.client}`,
      `--heartbeat-interval=${HEARTBEAT}`,
      `--election-timeout=${ELECTION}`,
      ...tls,
      ...(options.args ?? []),
    );
    // Its PID inside, since the one that is known here is nsenter's.
    const child = member.host.spawn(['sh', '-c', 'echo $$; exec "$@" 2>&1', 'sh', ...argv], {
      stdio: ['ignore', 'pipe', 'ignore'],
      // Two processors are enough for everybody only if nobody takes more than his part.
      env: { ...process.env, GOMAXPROCS: '2' },
    });
    member.process = child;
    let log = '';
    child.stdout?.on('data', (data: Buffer) => {
      if (!serves(log)) log += data.toString();
    });
    child.once('exit', () => {
      if (member.process === child) member.process = undefined;
    });
    await until(() => serves(log) || member.process !== child, 15_000, `${member.name} serving`);
    assert.equal(member.process, child, `${member.name} ended\n${log}`);
    member.pid = log.split('\n')[0] ?? '';
  };
  const signal = async (index: number, name: string): Promise<void> => {
    await memberAt(index).host.run('kill', `-${name}`, memberAt(index).pid);
  };
  const kill = async (index: number): Promise<void> => {
    const { process: child } = memberAt(index);
    if (!child) return;
    const gone = once(child, 'exit');
    await signal(index, 'KILL');
    await gone;
  };

  const all: Members = {
    endpoints: members.map(({ client }) => client),
    ctl,
    start,
    kill,
    async leader() {
      let found = -1;
      await until(
        async () => {
          const asked = up();
          const statuses = JSON.parse(await ctl('endpoint', 'status', '-w', 'json').catch(() => '[]')) as {
            Endpoint: string;
            Status: { header: { member_id: number }; leader: number };
          }[];
          const leading = statuses.find(({ Status }) => Status.header.member_id === Status.leader);
          found = members.findIndex(({ client }) => client === leading?.Endpoint);
          return asked.includes(found);
        },
        10_000,
        'a leader',
      );
      return found;
    },
    freeze: (index) => signal(index, 'STOP'),
    async thaw(index) {
      await signal(index, 'CONT');
      // nsenter stops with what it has started, and would not see its end.
      memberAt(index).process?.kill('SIGCONT');
    },
    async cut(index, from) {
      const port = PORT[from];
      const rules = `table inet etcd_cut {
        chain in { type filter hook input priority 0; tcp dport ${port} drop; tcp sport ${port} drop; }
        chain out { type filter hook output priority 0; tcp dport ${port} drop; tcp sport ${port} drop; }
      }`;
      const { code, stderr } = await memberAt(index).host.exec(['nft', '-f', '-'], { input: rules });
      assert.equal(code, 0, stderr);
    },
    async mend(index) {
      await memberAt(index).host.run('nft', 'delete', 'table', 'inet', 'etcd_cut');
    },
    async save() {
      const [from = 0] = up();
      const { host, client } = memberAt(from);
      const file = `${host.root}/etcd-snapshot-${performance.now()}.db`;
      await ctlAt(from, [client], ['snapshot', 'save', file]);
      return file;
    },
    async restore(file, { sameId = false } = {}) {
      for (const index of members.keys()) await kill(index);
      if (!sameId) token += '-restored';
      for (const [index, { host, data }] of members.entries()) {
        await host.run('rm', '-rf', data);
        await ctlAt(index, [], ['snapshot', 'restore', file, ...common(index)]);
      }
      await Promise.all([...members.keys()].map(start));
    },
    async [Symbol.asyncDispose]() {
      for (const index of members.keys()) await kill(index);
    },
  };
  try {
    await Promise.all([...members.keys()].map(start));
  } catch (error) {
    await all[Symbol.asyncDispose]();
    throw error;
  }
  return all;
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Of 3.4 and of later versions. */
const serves = (log: string): boolean => /ready to serve client requests|serving client traffic/.test(log);
