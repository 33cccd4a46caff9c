/** Many networks, and many ports in one change. What each costs is for the bench to say. */
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

hostTest('nftables: changes among a thousand networks and ten thousand ports', {}, async (host) => {
  await using firewall = await startFirewall(host, 'nftables');
  const published = async (): Promise<number> =>
    (await host.run('nft', 'list', 'map', 'inet', 'berth', 'any-address4')).match(/tcp \. /g)?.length ?? 0;
  await firewall.set({
    networks: some(1000, networkNumber),
    ports: some(10_000, (index) => portOf(index % 1000, 10_000 + index)),
  });
  await firewall.change({
    add: { networks: [networkNumber(2000)], ports: some(206, (index) => portOf(0, 5000 + index)) },
  });
  assert.equal(await published(), 10_206);
  await firewall.change({
    remove: { networks: [networkNumber(2000)], ports: some(206, (index) => portOf(0, 5000 + index)) },
  });
  assert.equal(await published(), 10_000);
  const listed = await host.run('iptables', '-t', 'nat', '-S');
  assert.match(listed, /-s 10\.3\.231\.0\/24 ! -o br-999 -j MASQUERADE/);
  assert.doesNotMatch(listed, /br-2000/);
  // A range of ports, both the most that is one transaction and more than that.
  for (const length of [800, 2000]) {
    await firewall.set({ networks: [networkNumber(0)], ports: [] });
    await firewall.change({ add: { ports: some(length, (index) => portOf(0, 5000 + index)) } });
    assert.equal(await published(), length);
  }
  await firewall.remove();
  assert.deepEqual(firewall.warnings, []);
});

hostTest('iptables: 206 ports in one change', {}, async (host) => {
  await using firewall = await startFirewall(host, 'iptables');
  await firewall.set({ networks: [networkNumber(0)], ports: [] });
  await firewall.change({ add: { ports: some(206, (index) => portOf(0, 5000 + index)) } });
  assert.equal((await host.run('iptables', '-t', 'nat', '-S', 'BERTH-DNAT')).match(/--to-destination/g)?.length, 206);
  await firewall.remove();
});
