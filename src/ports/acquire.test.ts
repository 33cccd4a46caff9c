import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HeldPort, RefusedPort } from '../network/attendant.ts';
import { acquirePorts, releasePorts } from './acquire.ts';
import { PortAllocator } from './allocator.ts';
import { portMap, portRules } from './rules.ts';
import type { WantedPort } from './wanted.ts';

const owner = { id: 's', name: 'web' };
const want = (first: number, last: number, change: Partial<WantedPort> = {}): WantedPort => ({
  networkId: 'n',
  protocol: 'tcp',
  port: 80,
  first,
  last,
  routed: false,
  places: [
    { hostAddress: '0.0.0.0', address: '172.17.0.2', implied: false },
    { hostAddress: '::', address: '172.17.0.2', implied: true },
  ],
  ...change,
});

/** Strict: all or none, nothing twice. `codes`: '0.0.0.0:80' or '*:80' → what the kernel says. */
class FakeKeeper {
  readonly held = new Map<string, HeldPort>();
  readonly calls: string[] = [];
  readonly #codes: Readonly<Record<string, string>>;
  constructor(codes: Readonly<Record<string, string>> = {}) {
    this.#codes = codes;
  }
  async holdPorts(_owner: string, ports: readonly HeldPort[]): Promise<RefusedPort[]> {
    this.calls.push(ports.map(textOf).join(' '));
    const refused = ports.flatMap((port) => {
      const code =
        this.#codes[textOf(port)] ?? this.#codes[`*:${port.hostPort}`] ?? this.#codes[`${port.hostAddress}:*`];
      return code === undefined ? [] : [{ ...port, code }];
    });
    if (refused.length > 0) return Promise.resolve(refused);
    for (const port of ports) {
      assert.ok(!this.held.has(textOf(port)), `${textOf(port)} is held twice`);
      this.held.set(textOf(port), port);
    }
    return Promise.resolve([]);
  }
  async releasePorts(_owner: string, ports?: readonly HeldPort[]): Promise<void> {
    for (const port of ports ?? this.held.values()) this.held.delete(textOf(port));
    return Promise.resolve();
  }
}
const textOf = ({ hostAddress, hostPort }: HeldPort): string => `${hostAddress}:${hostPort}`;

void describe('acquiring host ports', () => {
  void test('what is wanted is held, and given back', async () => {
    const [allocator, attendant] = [new PortAllocator(), new FakeKeeper()];
    const bindings = await acquirePorts({
      allocator,
      attendant,
      owner,
      wanted: [want(80, 80), want(0, 0, { port: 81 })],
      proxy: true,
    });
    assert.deepEqual(
      bindings.map((one) => `${textOf(one)}>${one.address}:${one.port} ${one.proxy}`),
      [
        '0.0.0.0:80>172.17.0.2:80 true',
        ':::80>172.17.0.2:80 true',
        '0.0.0.0:32768>172.17.0.2:81 true',
        ':::32768>172.17.0.2:81 true',
      ],
    );
    assert.equal(attendant.held.size, 4);
    await releasePorts({ allocator, attendant, ownerId: owner.id });
    assert.equal(attendant.held.size, 0);
    allocator.allocate({ id: 'x', name: 'x' }, [want(80, 80)]);
  });

  void test('without the proxy, IPv6 of the host leads to no IPv4 address', async () => {
    const [allocator, attendant] = [new PortAllocator(), new FakeKeeper()];
    const onlyIpv6 = want(81, 81, { places: [{ hostAddress: '::1', address: '172.17.0.2', implied: false }] });
    const bindings = await acquirePorts({
      allocator,
      attendant,
      owner,
      wanted: [want(80, 80), onlyIpv6],
      proxy: false,
    });
    assert.deepEqual(
      bindings.map((one) => `${textOf(one)} ${one.proxy}`),
      ['0.0.0.0:80 false'],
    );
  });

  void test('random ports and ranges go around other processes', async () => {
    const [allocator, attendant] = [
      new PortAllocator(),
      new FakeKeeper({ ':::32768': 'EADDRINUSE', '*:32769': 'EADDRINUSE', '*:8000': 'EADDRINUSE' }),
    ];
    const bindings = await acquirePorts({
      allocator,
      attendant,
      owner,
      wanted: [want(8000, 8005), want(0, 0)],
      proxy: true,
    });
    assert.deepEqual(bindings.map(textOf), ['0.0.0.0:8001', ':::8001', '0.0.0.0:32770', ':::32770']);
    assert.equal(attendant.calls.length, 3);
    assert.deepEqual([...attendant.held.keys()], bindings.map(textOf));
  });

  const refusals: [string, string, string, string][] = [
    ['0.0.0.0:80', 'EADDRINUSE', 'Conflict', 'failed to bind host port 0.0.0.0:80/tcp: address already in use'],
    [':::80', 'EADDRINUSE', 'Conflict', 'failed to bind host port [::]:80/tcp: address already in use'],
    [
      '0.0.0.0:80',
      'EADDRNOTAVAIL',
      'InvalidParameter',
      'failed to bind host port 0.0.0.0:80/tcp: cannot assign requested address',
    ],
    ['0.0.0.0:80', 'EACCES', 'Forbidden', 'failed to bind host port 0.0.0.0:80/tcp: permission denied'],
    ['0.0.0.0:80', 'EIO', 'System', 'failed to bind host port 0.0.0.0:80/tcp: EIO'],
  ];
  for (const [port, code, kind, message] of refusals) {
    void test(`${port} ${code}: nothing is kept`, async () => {
      const [allocator, attendant] = [new PortAllocator(), new FakeKeeper({ [port]: code })];
      const wanted = [want(79, 79), want(80, 80), want(0, 0)];
      await assert.rejects(acquirePorts({ allocator, attendant, owner, wanted, proxy: true }), { kind, message });
      assert.equal(attendant.calls.length, 1);
      assert.equal(attendant.held.size, 0);
      allocator.allocate({ id: 'x', name: 'x' }, [want(79, 79), want(80, 80)]);
    });
  }

  void test('a host without IPv6 does without what nobody named', async () => {
    const [allocator, attendant] = [new PortAllocator(), new FakeKeeper({ ':::*': 'EAFNOSUPPORT' })];
    const bindings = await acquirePorts({
      allocator,
      attendant,
      owner,
      wanted: [want(80, 80), want(0, 0)],
      proxy: true,
    });
    assert.deepEqual(
      bindings.map((one) => one.hostAddress),
      ['0.0.0.0', '0.0.0.0'],
    );
    const named = want(81, 81, { places: [{ hostAddress: '::', address: 'fd00::2', implied: false }] });
    await assert.rejects(
      acquirePorts({ allocator, attendant, owner, wanted: [named], proxy: true }),
      /\[::\]:81\/tcp: address family not supported/,
    );
  });

  void test('where everything is taken the search ends', async () => {
    const [allocator, attendant] = [new PortAllocator(), new FakeKeeper({ '0.0.0.0:*': 'EADDRINUSE' })];
    await assert.rejects(
      acquirePorts({ allocator, attendant, owner, wanted: [want(0, 0)], proxy: true }),
      /0\.0\.0\.0:32783\/tcp: address already in use/,
    );
    assert.equal(attendant.calls.length, 16);
  });

  void test('an attendant that fails leaves nothing taken', async () => {
    const allocator = new PortAllocator();
    const attendant = {
      holdPorts: () => Promise.reject(new Error('gone')),
      releasePorts: () => Promise.reject(new Error('gone')),
    };
    await assert.rejects(acquirePorts({ allocator, attendant, owner, wanted: [want(80, 80)], proxy: true }), /gone/);
    allocator.allocate({ id: 'x', name: 'x' }, [want(80, 80)]);
  });

  void test('two at once do not get the same port', async () => {
    const [allocator, attendant] = [new PortAllocator(), new FakeKeeper()];
    const results = await Promise.allSettled(
      ['a', 'b'].map(async (id) =>
        acquirePorts({ allocator, attendant, owner: { id, name: id }, wanted: [want(80, 80)], proxy: true }),
      ),
    );
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
  });
});

void describe('what bindings mean', () => {
  const binding = { networkId: 'n', protocol: 'tcp' as const, hostPort: 8080, port: 80, proxy: true };
  const bindings = [
    { ...binding, hostAddress: '0.0.0.0', address: '172.17.0.2' },
    { ...binding, hostAddress: '::', address: '172.17.0.2' },
    { ...binding, hostAddress: '::', address: 'fd00::2', port: 81 },
    { ...binding, hostAddress: '::1', address: 'fd00::2', port: 82 },
    { ...binding, hostAddress: '0.0.0.0', address: '172.17.0.2', port: 9, hostPort: 0 },
  ];

  void test('the firewall carries what is of one family, but not [::1]', () => {
    const rules = portRules(bindings, (id) => (id === 'n' ? 'br0' : ''));
    assert.deepEqual(
      rules.map(
        (rule) => `${rule.bridge} ${rule.protocol} ${rule.hostAddress} ${rule.hostPort} ${rule.address} ${rule.port}`,
      ),
      ['br0 tcp 0.0.0.0 8080 172.17.0.2 80', 'br0 tcp :: 8080 fd00::2 81', 'br0 tcp 0.0.0.0 0 172.17.0.2 9'],
    );
    assert.deepEqual(
      portRules(bindings, () => ''),
      [],
    );
  });

  void test('inspect shows exposed ports, too, in the order of their texts', () => {
    assert.equal(
      JSON.stringify(portMap(bindings, ['80/tcp', '443', '$PORT', '53/udp'])),
      JSON.stringify({
        '443/tcp': null,
        '53/udp': null,
        '80/tcp': [
          { HostIp: '0.0.0.0', HostPort: '8080' },
          { HostIp: '::', HostPort: '8080' },
        ],
        '81/tcp': [{ HostIp: '::', HostPort: '8080' }],
        '82/tcp': [{ HostIp: '::1', HostPort: '8080' }],
        '9/tcp': [{ HostIp: '0.0.0.0', HostPort: '' }],
      }),
    );
  });
});
