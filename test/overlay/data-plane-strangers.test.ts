/**
 * VXLAN asks nobody who he is: whoever can send a UDP packet to a host's port could put frames into its networks. The firewall takes them
 * from the hosts that take part, and containers do not send there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { network } from '../../src/firewall/fixture.ts';
import { BACKENDS, startFirewall } from '../firewall/support.ts';
import { bridgePlan, interfacePlan } from '../network/kernel-support.ts';
import { createUnderlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';
import { BRIDGE, peerPlan, startOverlayHost, underlayAddress } from './data-plane-support.ts';
import type { OverlayHost } from './data-plane-support.ts';

/** Bridge of a network that has nothing to do with the other. */
const LOCAL = 'br-local';

const bytes = (text: string, separator: string, radix: number): number[] =>
  text.split(separator).map((part) => Number.parseInt(part, radix));

/** A VXLAN packet (RFC 7348 section 5) with a UDP packet to port 7000 (RFC 768, 791), as its sender would like it to come from `from`. */
function forged(
  vni: number,
  from: { mac: string; ip4: string },
  to: { mac: string; ip4: string },
  says: string,
): Buffer {
  const data = Buffer.from(says);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(7001, 0);
  udp.writeUInt16BE(7000, 2);
  udp.writeUInt16BE(8 + data.length, 4);
  const ip = Buffer.from([
    0x45,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    64,
    17,
    0,
    0,
    ...bytes(from.ip4, '.', 10),
    ...bytes(to.ip4, '.', 10),
  ]);
  ip.writeUInt16BE(28 + data.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
  ip.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, 10);
  const ethernet = Buffer.from([...bytes(to.mac, ':', 16), ...bytes(from.mac, ':', 16), 0x08, 0x00]);
  const header = Buffer.from([0x08, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(vni << 8, 4);
  return Buffer.concat([header, ethernet, ip, udp, data]);
}

for (const family of [4, 6] as const) {
  void test(`frames of strangers; IPv${family} underlay`, async () => {
    await using underlay = await createUnderlay();
    await using a = await startOverlayHost(underlay, 1, family);
    await using b = await startOverlayHost(underlay, 2, family);
    await using stranger = await underlay.host(3);
    const at = (n: number): string => underlayAddress(n, family);
    const target = (n: number): string => (family === 4 ? `UDP4:${at(n)}:4789` : `UDP6:[${at(n)}]:4789`);
    const one = await a.container(1);
    const two = await b.container(2);
    await a.kernel.setPeers(a.plan, [peerPlan(2, 2, family)]);
    await b.kernel.setPeers(b.plan, [peerPlan(1, 1, family)]);
    const local = await startLocal(a);

    const heard = { one: '', two: '' };
    for (const [name, container] of Object.entries({ one, two })) {
      const listener = container.spawn('socat', '-u', 'UDP4-RECV:7000', 'STDOUT');
      listener.stdout?.on('data', (data: Buffer) => (heard[name as 'one' | 'two'] += `${data.toString()} `));
      await until(async () => (await container.run('ss', '-Huln')).includes(':7000'));
    }
    const hearing = async (): Promise<typeof heard> => {
      for (const [from, to] of [
        [two, one],
        [one, two],
      ] as const) {
        await from.run('sh', '-c', `printf genuine | socat -u STDIN UDP4:${to.ip4}:7000`);
      }
      await until(() => heard.one.includes('genuine') && heard.two.includes('genuine'));
      const result = { ...heard };
      Object.assign(heard, { one: '', two: '' });
      return result;
    };
    const attack = async (): Promise<void> => {
      const { vni } = a.plan;
      const send = async (input: Buffer, to: string): Promise<void> =>
        void (await a.host.exec([...local, 'socat', '-u', 'STDIN', to], { input }));
      await send(forged(vni, two, one, 'to-own-host'), target(1));
      // By its host, whose address it then has.
      await send(forged(vni, one, two, 'to-other-host'), target(2));
      await a.host.run(...local, 'ip', 'addr', 'add', at(2), 'dev', 'lo');
      const bind = family === 4 ? `bind=${at(2)}` : `bind=[${at(2)}]`;
      await send(forged(vni, two, one, 'as-other-host'), `${target(1)},${bind}`);
      await a.host.run(...local, 'ip', 'addr', 'del', at(2), 'dev', 'lo');
      await stranger.exec(['socat', '-u', 'STDIN', target(1)], { input: forged(vni, two, one, 'from-the-wire') });
    };

    for (const backend of BACKENDS) {
      const firewalls = [await startFirewall(a.host, backend), await startFirewall(b.host, backend)];
      for (const [n, firewall] of firewalls.entries()) {
        const networks = [BRIDGE, ...(n === 0 ? [LOCAL] : [])].flatMap((bridge, number) => [
          network(bridge, number + 1, 4),
          network(bridge, number + 1, 6),
        ]);
        await firewall.set({ networks, ports: [] });
      }
      // That they would be heard without it.
      await attack();
      assert.deepEqual(await hearing(), {
        one: 'to-own-host as-other-host from-the-wire genuine ',
        two: 'to-other-host genuine ',
      });
      for (const [n, firewall] of firewalls.entries()) {
        await firewall.change({ add: { hosts: [{ address: at(2 - n), port: a.plan.port }] } });
      }
      await attack();
      assert.deepEqual(await hearing(), { one: 'genuine ', two: 'genuine ' }, backend);
      // What the container has for anybody else is its own business.
      assert.equal((await a.host.exec([...local, 'ping', '-c1', '-W2', at(3)])).code, 0);
      for (const firewall of firewalls) {
        await firewall.remove();
        await firewall[Symbol.asyncDispose]();
      }
    }
  });
}

/** A network of one host, with a container that knows everything and has no part in the other: how programs are run in it. */
async function startLocal({ host, kernel, own }: OverlayHost): Promise<string[]> {
  const path = `${host.root}/n/local`;
  const plan = interfacePlan(20, LOCAL, { addresses: ['172.18.0.2/16', 'fd00:2::2/64'] });
  await kernel.ensureBridge(
    bridgePlan(LOCAL, { mac: '02:42:09:09:09:09', addresses: ['172.18.0.1/16', 'fd00:2::1/64'] }),
  );
  await kernel.setSysctls([
    { name: 'net/ipv4/ip_forward', value: '1' },
    { name: 'net/ipv6/conf/all/forwarding', value: '1' },
  ]);
  const defaults = [
    { via: '172.18.0.1', interface: 'eth0' },
    { via: 'fd00:2::1', interface: 'eth0' },
  ];
  await kernel.createNamespace(path, [plan], defaults);
  own.defer(async () => {
    await kernel.dropNamespace(path);
    await kernel.linksGone([plan.hostName, LOCAL], 200);
  });
  return ['nsenter', `--net=${path}`, '--'];
}
