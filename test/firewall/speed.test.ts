/** A change costs what it holds: the same beside ten ports and one network as beside ten thousand and a thousand. */
import assert from 'node:assert/strict';
import type { NetworkRules, PortRule } from '../../src/drivers/plan.ts';
import { network, port } from '../../src/firewall/fixture.ts';
import { hostTest } from '../support/host.ts';
import { startFirewall } from './support.ts';

const networkNumber = (number: number): NetworkRules =>
  network(`br-${number}`, 0, 4, { subnets: [`10.${number >> 8}.${number & 255}.0/24`] });
const portOf = (number: number, hostPort: number): PortRule =>
  port(`br-${number}`, `10.${number >> 8}.${number & 255}.2`, { hostPort, port: hostPort });
const some = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, index) => make(index));
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

hostTest('nftables: a change among a thousand networks and ten thousand ports', {}, async (host) => {
  await using firewall = await startFirewall(host, 'nftables');
  const many = some(206, (index) => portOf(0, 5000 + index));
  const measure = async (networks: number, ports: number): Promise<{ one: number; many: number; network: number }> => {
    await firewall.set({
      networks: some(networks, networkNumber),
      ports: some(ports, (index) => portOf(index % networks, 10_000 + index)),
    });
    const times: { one: number[]; many: number[]; network: number[] } = { one: [], many: [], network: [] };
    for (let round = 0; round < 15; round++) {
      times.one.push(await firewall.change({ add: { ports: many.slice(0, 1) } }));
      await firewall.change({ remove: { ports: many.slice(0, 1) } });
      times.many.push(await firewall.change({ add: { ports: many } }));
      await firewall.change({ remove: { ports: many } });
      await firewall.change({ add: { networks: [networkNumber(2000)] } });
      times.network.push(await firewall.change({ remove: { networks: [networkNumber(2000)] } }));
    }
    return { one: median(times.one), many: median(times.many), network: median(times.network) };
  };
  const small = await measure(1, 10);
  const large = await measure(1000, 10_000);
  const text = JSON.stringify({ small, large });
  // A busy machine doubles a figure; what grew with the size would be a hundred times larger.
  for (const key of ['one', 'many', 'network'] as const) assert.ok(large[key] < 3 * small[key] + 1, text);
  assert.ok(large.many < 15, text);
  assert.match(await host.run('iptables', '-t', 'nat', '-S'), /-s 10\.3\.231\.0\/24 ! -o br-999 -j MASQUERADE/);
  // A range of ports, both the most that is one transaction and more than that.
  for (const length of [800, 2000]) {
    await firewall.set({ networks: [networkNumber(0)], ports: [] });
    await firewall.change({ add: { ports: some(length, (index) => portOf(0, 5000 + index)) } });
    const elements = await host.run('nft', 'list', 'map', 'inet', 'berth', 'any-address4');
    assert.equal(elements.match(/tcp \. /g)?.length, length);
  }
  await firewall.remove();
  assert.deepEqual(firewall.warnings, []);
});

hostTest('iptables: 206 ports are one change', {}, async (host) => {
  await using firewall = await startFirewall(host, 'iptables');
  await firewall.set({ networks: [networkNumber(0)], ports: [] });
  const ms = await firewall.change({ add: { ports: some(206, (index) => portOf(0, 5000 + index)) } });
  assert.ok(ms < 1000, `${ms} ms`);
  await firewall.remove();
});
