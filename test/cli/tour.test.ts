/** The tour, as a user starts it: what it shows is true, and nothing of it stays on the machine. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { programArgv } from '../support/daemon.ts';
import { leftovers, machineState } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import { comparePages } from './tutorial.ts';
import type { StepResult } from './tutorial.ts';

const [program, ...rest] = [...programArgv('berth'), 'tour'];
const roots = (): string[] => readdirSync('/tmp').filter((name) => name.startsWith('berth-tour-'));
const groups = (): string[] =>
  ['', ...readdirSync('/sys/fs/cgroup')].flatMap((hierarchy) => {
    const path = `/sys/fs/cgroup/${hierarchy}`;
    const names = existsSync(`${path}/cgroup.procs`) ? readdirSync(path) : [];
    return names.filter((name) => name.startsWith('berth-tour-'));
  });
const ifconfig = (text: string): string[] => text.match(/HWaddr \S+|inet addr:\S+/g) ?? [];

async function leavesNothing(body: () => Promise<void>): Promise<void> {
  const before = await machineState(true);
  await body();
  const differences = async (): Promise<string[]> => leftovers(before, await machineState(true));
  await until(async () => (await differences()).length === 0, 5000).catch(() => undefined);
  assert.deepEqual(await differences(), []);
  assert.deepEqual([...roots(), ...groups()], []);
}

/** One run for all tests that look at what it says. */
let shown: Promise<StepResult[]> | undefined;

const runTour = async (): Promise<StepResult[]> =>
  new Promise((resolve, reject) => {
    execFile(program, [...rest, '--format', 'json'], { timeout: 240_000 }, (error, stdout, stderr) =>
      error === null
        ? resolve(JSON.parse(stdout) as StepResult[])
        : reject(new Error(stdout + stderr, { cause: error })),
    );
  });

/** What the command of that beginning said in that step. */
function said(steps: readonly StepResult[], id: string, command: string): string {
  const step = steps.find((one) => one.id === id);
  const found = step?.commands.find((result) => result.command.startsWith(command));
  assert.ok(found, `${id}: ${command}`);
  assert.equal(found.exitCode === 0, !found.refused, found.output);
  return found.output;
}

const addressOf = (text: string): string => /inet addr:(\S+)/.exec(text)?.[1] ?? '';

void test('the tour leaves nothing', async () => {
  await leavesNothing(async () => {
    shown = runTour();
    await shown;
  });
});

void test('the tour shows what it says: the networks that every host has', async () => {
  const steps = await (shown ??= runTour());
  const networks = said(steps, 'ls', 'berth network ls');
  assert.match(networks, /bridge +bridge +local\n.*host +host +local\n.*none +null +local/);
  assert.deepEqual(said(steps, 'none', 'berth run').match(/^\w+/gm), ['lo']);
  assert.match(said(steps, 'host', 'berth run'), /docker0[^]*eth0[^]*198\.51\.100\.2/);
  const bridge = said(steps, 'bridge', 'berth run --rm busybox ifconfig');
  assert.match(bridge, /inet addr:172\.17\.0\.\d+ .*Mask:255\.255\.240\.0/);
  assert.match(said(steps, 'bridge', 'berth run --rm busybox ip route'), /^default via 172\.17\.0\.1 dev eth0/);
  assert.equal(said(steps, 'ports', 'brctl show').match(/veth/g)?.length, 2);
  assert.match(said(steps, 'ports', 'berth exec two ping'), /1 packets received/);
});

void test('the tour shows what it says: networks of your own', async () => {
  const steps = await (shown ??= runTour());
  assert.match(
    said(steps, 'custom', 'berth network create --driver bridge --subnet 172.17.16.0/24 --d'),
    /--gateway\?/,
  );
  assert.match(
    said(steps, 'custom', 'berth network create --driver bridge --subnet 172.17.8.0/24'),
    /172\.17\.8\.0\/24 overlaps 172\.17\.0\.0\/20 of network bridge; \S+ is free/,
  );
  // The bridges bear the IDs that `create` and `ls` say, and are the subnets' gateways.
  const id = said(steps, 'custom', 'berth network create --driver bridge bridge1').slice(0, 12);
  const id2 = said(steps, 'custom', 'berth network create --driver bridge --subnet 172.17.16.0/24 --g').slice(0, 12);
  const networks = said(steps, 'custom', 'berth network ls');
  assert.match(networks, new RegExp(`${id} +bridge1 `));
  assert.match(networks, new RegExp(`${id2} +bridge2 `));
  assert.doesNotMatch(networks, /bridge3/);
  const links = said(steps, 'custom', 'ip -br -4 addr');
  assert.match(links, new RegExp(`br-${id} +\\w+ +172\\.18\\.0\\.1/16`));
  assert.match(links, new RegExp(`br-${id2} +\\w+ +172\\.17\\.16\\.1/24`));
  assert.equal(addressOf(said(steps, 'custom', 'berth run')), '172.17.16.3');
});

void test('the tour shows what it says: who reaches whom', async () => {
  const steps = await (shown ??= runTour());
  const web = addressOf(said(steps, 'joined', 'berth exec web'));
  assert.match(said(steps, 'address', `berth exec three ping -c 1 ${web}`), /1 packets received/);
  // Before it is connected, and after.
  assert.match(said(steps, 'address', `berth exec two ping -c 1 -W 1 ${web}`), / 0 packets received/);
  assert.match(said(steps, 'address', 'berth exec two ip route'), /172\.18\.0\.0\/16 dev eth1 .*src 172\.18\./);
  assert.match(said(steps, 'address', `berth exec two ping -c 1 ${web}`), / 1 packets received/);
  assert.match(said(steps, 'name', 'berth exec three cat'), /^nameserver 127\.0\.0\.11$/m);
  assert.ok(said(steps, 'name', 'berth exec three ping').startsWith(`PING web (${web})`));
  assert.match(said(steps, 'name', 'berth exec three nslookup'), new RegExp(`Name:\\s+web\\s+Address: ${web}`));
  assert.match(said(steps, 'name', 'berth exec one'), /bad address 'two'/);
  const own = ifconfig(said(steps, 'joined', 'berth exec web'));
  assert.equal(own.length, 2);
  assert.deepEqual(ifconfig(said(steps, 'joined', 'berth run --rm --network container:web busybox ifconfig')), own);
  assert.equal(said(steps, 'joined', 'berth run --rm --network container:web busybox wget'), 'web\n');
});

/** 'interface source > destination' of each line of tcpdump; container's veth and network's bridge by their kind. */
const hops = (text: string): string[] =>
  [...text.matchAll(/^(\S+) +(?:In|Out|P) +IP (\S+) > (\S+):/gm)].map(
    ([, link = '', from = '', to = '']) => `${link.replace(/^(veth|br-).*/, '$1')} ${from} > ${to}`,
  );

void test('the tour shows what it says: both ways through NAT', async () => {
  const steps = await (shown ??= runTour());
  const [container, host, outside] = ['172.17.0.2', '198.51.100.2', '198.51.100.1'];
  assert.match(said(steps, 'out', 'berth exec one ping'), /1 packets received/);
  assert.deepEqual(hops(said(steps, 'out', 'tcpdump')), [
    `veth ${container} > ${outside}`,
    `docker0 ${container} > ${outside}`,
    `eth0 ${host} > ${outside}`,
    `eth0 ${outside} > ${host}`,
    `docker0 ${outside} > ${container}`,
    `veth ${outside} > ${container}`,
  ]);
  const rules = said(steps, 'masquerade', 'iptables');
  assert.match(rules, /-A POSTROUTING -s 172\.17\.0\.0\/20 ! -o docker0 -j MASQUERADE/);
  assert.equal(rules.match(/MASQUERADE/g)?.length, 3);
  assert.match(said(steps, 'masquerade', 'ip route'), /^172\.18\.0\.0\/16 dev br-[0-9a-f]{12} /m);

  const web = addressOf(said(steps, 'joined', 'berth exec web'));
  assert.match(said(steps, 'in', 'berth port'), /^80\/tcp -> 0\.0\.0\.0:8080$/m);
  assert.match(said(steps, 'in', 'nft'), new RegExp(`elements = \\{ tcp \\. 8080 : ${web} \\. 80 \\}`));
  assert.equal(said(steps, 'in', 'ip netns'), 'web\n');
  const trace = said(steps, 'in', 'tcpdump');
  const client = /198\.51\.100\.1\.\d+/.exec(trace)?.[0] ?? '';
  assert.deepEqual(hops(trace), [
    `eth0 ${client} > ${host}.8080`,
    `br- ${client} > ${web}.80`,
    `veth ${client} > ${web}.80`,
    `veth ${web}.80 > ${client}`,
    `br- ${web}.80 > ${client}`,
    `eth0 ${host}.8080 > ${client}`,
  ]);

  assert.match(said(steps, 'publish', 'berth port web --add'), /^80\/tcp -> 127\.0\.0\.1:9090$/m);
  const publish = steps.find(({ id }) => id === 'publish');
  const [before, after] = publish?.commands.filter(({ command }) => command.includes('wget')) ?? [];
  assert.equal(before?.output, 'web\n');
  assert.match(after?.output ?? '', /Connection refused/);
});

void test('the tour shows what it says: macvlan, and two hosts', async () => {
  const steps = await (shown ??= runTour());
  const printer = /inet (198\.51\.100\.\d+)\/24/.exec(said(steps, 'macvlan', 'berth exec printer ip'))?.[1] ?? '';
  assert.match(said(steps, 'macvlan', 'berth exec printer ping'), /1 packets received/);
  assert.match(said(steps, 'macvlan', `ip netns exec outside busybox ping -c 1 ${printer}`), /1 packets received/);
  assert.match(said(steps, 'macvlan', `busybox ping -c 1 -W 1 ${printer}`), / 0 packets received/);

  assert.match(said(steps, 'cluster', 'berth cluster join'), /in the cluster as b, at 198\.51\.100\.3/);
  assert.match(said(steps, 'cluster', 'berth cluster status'), /^a \*.*leader +up[^]*^b .*client +up/m);
  assert.match(said(steps, 'overlay', 'berth network ls'), /wide +overlay +global/);
  const addressIn = (text: string): string => /^PING \w+ \((\S+)\)/.exec(text)?.[1] ?? '';
  const right = said(steps, 'overlay', 'berth exec left ping');
  const left = said(steps, 'overlay', 'berth exec right ping');
  for (const text of [right, left]) assert.match(text, /1 packets received/);
  assert.notEqual(addressIn(left), addressIn(right));
  const wire = said(steps, 'wire', 'tcpdump');
  assert.match(wire, /IP 198\.51\.100\.2\.\d+ > 198\.51\.100\.3\.4789: VXLAN/);
  assert.ok(wire.includes(`IP ${addressIn(left)} > ${addressIn(right)}: ICMP echo request`), wire);
  assert.doesNotMatch(wire, /ARP/);
});

void test('the tutorials show a run of the tour', async () => {
  const pages = ['tutorial.md', 'tutorial.zh.md'].map((name) => new URL(`../../docs/${name}`, import.meta.url));
  comparePages(pages, await (shown ??= runTour()), process.env['UPDATE'] === '1');
});

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  void test(`${signal} in its midst leaves nothing`, async () => {
    await leavesNothing(async () => {
      const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      child.stdout.on('data', (data: Buffer) => (text += data.toString()));
      await until(() => text.includes('2. '), 20_000, 'the second step');
      const closed = once(child, 'exit');
      child.kill(signal);
      const [code] = (await closed) as [number | null];
      if (signal === 'SIGINT') assert.equal(code, 130);
      await until(() => roots().length === 0 && groups().length === 0, 10_000, 'the removal');
    });
  });
}
