/** The tour, as a user starts it: what it shows is true, and nothing of it stays on the machine. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { programArgv } from '../support/daemon.ts';
import { leftovers, machineState } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';

interface Step {
  title: string;
  commands: { command: string; output: string; exitCode: number }[];
}

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

void test('the tour shows what it says', async () => {
  await leavesNothing(async () => {
    const text = await new Promise<string>((resolve, reject) => {
      execFile(program, [...rest, '--format', 'json'], { timeout: 60_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(stdout + stderr, { cause: error })),
      );
    });
    const steps = JSON.parse(text) as Step[];
    const output = (command: string): string => {
      const found = steps.flatMap(({ commands }) => commands).find((result) => result.command.startsWith(command));
      assert.ok(found, command);
      assert.equal(found.exitCode, 0, found.output);
      return found.output;
    };
    assert.match(output('berth network ls'), /bridge +bridge +local\n.*host +host +local\n.*none +null +local/);
    assert.doesNotMatch(output('berth run --rm --network none'), /eth0/);
    assert.match(output('berth run --rm --network host'), /docker0[^]*eth0[^]*198\.51\.100\.2/);
    assert.match(output('berth run --rm busybox ifconfig'), /inet addr:172\.17\.0\.\d+ .*Mask:255\.255\.240\.0/);
    assert.equal(output('brctl show').match(/veth/g)?.length, 2);
    const own = ifconfig(output('berth exec one ifconfig'));
    assert.equal(own.length, 2);
    assert.deepEqual(ifconfig(output('berth run --rm --network container:one')), own);
    assert.match(output('tcpdump'), /IP 198\.51\.100\.2 > 198\.51\.100\.1: ICMP echo request/);
    assert.match(output('iptables'), /-A POSTROUTING -s 172\.17\.0\.0\/20 ! -o docker0 -j MASQUERADE/);
  });
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
