/** Announcements of addresses, as a neighbour on the bridge hears them. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { bridgePlan, interfacePlan, startKernel } from './kernel-support.ts';

interface Listener {
  /** Lines of tcpdump so far. */
  lines(): string[];
  process: ChildProcess;
}

async function listen(host: Host, link: string): Promise<Listener> {
  // Beside them the kernel sends announcements of link-local addresses of its own.
  const filter = 'arp or (icmp6 and ip6[40] == 136 and src net fd00:77::/64)';
  const process = host.spawn(['tcpdump', '-lenvvi', link, '-tt', '--immediate-mode', filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let heard = '';
  let said = '';
  process.stdout?.on('data', (data: Buffer) => (heard += data.toString()));
  process.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  await until(() => said.includes('listening on'), 5000, 'tcpdump');
  // tcpdump breaks lines inside a packet.
  return { process, lines: () => heard.replaceAll(/\n\s+/g, ' ').split('\n').slice(0, -1) };
}

const timesOf = (lines: readonly string[], part: string): number[] =>
  lines.filter((line) => line.includes(part)).map((line) => Number.parseFloat(line));

hostTest('neighbours hear of the addresses, as often as asked for', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  await kernel.ensureBridge(bridgePlan('br-0'));
  const listener = await listen(host, 'br-0');
  await kernel.createNamespace(path, [interfacePlan(0, 'br-0', { announce: { count: 3, interval: 200 } })], []);
  const arp = 'Request who-has 10.77.0.10';
  const na = 'neighbor advertisement';
  await until(() => timesOf(listener.lines(), na).length >= 3, 3000, 'three announcements');
  await sleep(300);
  const lines = listener.lines();
  for (const part of [arp, na]) {
    const times = timesOf(lines, part);
    assert.equal(times.length, 3, `${part}: ${lines.join('\n')}`);
    const [first = 0, second = 0, third = 0] = times;
    assert.ok(second - first > 0.15 && third - second > 0.15, `${times.join()}`);
  }
  const heard = lines.join('\n');
  assert.match(
    heard,
    /02:42:0a:4d:00:0a > ff:ff:ff:ff:ff:ff,[^\n]* who-has 10\.77\.0\.10 tell 10\.77\.0\.10, length 28/,
  );
  assert.match(
    heard,
    /02:42:0a:4d:00:0a > 33:33:00:00:00:01,[^\n]*hlim 255[^\n]*fd00:77::a > ff02::1: \[icmp6 sum ok\][^\n]*tgt is fd00:77::a, Flags \[override\][^\n]*destination link-address option \(2\), length 8 \(1\): 02:42:0a:4d:00:0a/,
  );

  await kernel.addInterface(path, interfacePlan(1, 'br-0', { name: 'eth1', announce: { count: 1, interval: 200 } }));
  await until(() => timesOf(listener.lines(), 'tell 10.77.0.11').length === 1, 5000);
  await kernel.addInterface(path, interfacePlan(2, 'br-0', { name: 'eth2' }));

  // An end while announcements are pending: nothing holds the namespace, and none comes after it.
  const second = `${host.root}/n/two`;
  await kernel.createNamespace(second, [interfacePlan(3, 'br-0', { announce: { count: 3, interval: 100 } })], []);
  await until(() => timesOf(listener.lines(), 'tell 10.77.0.13').length === 1, 5000);
  await kernel.dropNamespace(second);
  await until(async () => (await host.exec(['ip', 'link', 'show', 'veth0000003'])).code !== 0, 3000);
  // Of an interface that is gone there is nothing to say; whether it is made again is another's business.
  await kernel.addInterface(path, interfacePlan(4, 'br-0', { name: 'eth4', announce: { count: 3, interval: 100 } }));
  await kernel.linksGone(['veth0000004'], 0);
  await sleep(300);
  assert.deepEqual(
    ['10.77.0.12', '10.77.0.13', '10.77.0.14'].map((ip) => timesOf(listener.lines(), `tell ${ip}`).length <= 1),
    [true, true, true],
  );
  assert.equal(timesOf(listener.lines(), 'tell 10.77.0.12').length, 0);

  listener.process.kill('SIGTERM');
  await kernel.dropNamespace(path);
  await kernel.linksGone(['veth0000000', 'veth0000001', 'veth0000002', 'br-0'], 200);
  await process.end();
});
