import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { overlap } from './spec.ts';
import { wantedPorts } from './wanted.ts';
import type { PortTarget, PortWishes, WantedPort } from './wanted.ts';

const target = (change: Partial<PortTarget> = {}): PortTarget => ({
  networkId: 'n',
  ipv4: '172.17.0.2',
  ipv6: '',
  mode4: 'nat',
  mode6: 'nat',
  defaultHostAddress: '',
  ...change,
});
const dual = target({ ipv6: 'fd00::2' });
const wishes = (portBindings: PortWishes['portBindings'], more: Partial<PortWishes> = {}): PortWishes => ({
  exposed: [],
  publishAll: false,
  portBindings,
  ...more,
});
const bind = (HostIp: string, HostPort: string): { HostIp: string; HostPort: string } => ({ HostIp, HostPort });

/** '80/tcp 8000-8010 0.0.0.0>172.17.0.2 ::>172.17.0.2?' */
const text = ({ protocol, port, first, last, routed, places }: WantedPort): string =>
  [
    `${port}/${protocol}`,
    routed ? 'routed' : first === last ? `${first}` : `${first}-${last}`,
    ...places.map(({ hostAddress, address, implied }) => `${hostAddress}>${address}${implied ? '?' : ''}`),
  ].join(' ');
const plan = (request: PortWishes, to: PortTarget): string[] => wantedPorts(request, to).map(text);

void describe('the host ports that a container wants', () => {
  const cases: [string, PortWishes, PortTarget, string[]][] = [
    [
      'no host address: both families, one port; [::] leads to IPv4 where the container has nothing else',
      wishes({ '80/tcp': [bind('', '8080')] }),
      target(),
      ['80/tcp 8080 0.0.0.0>172.17.0.2 ::>172.17.0.2?'],
    ],
    [
      'a container of both families',
      wishes({ '80/tcp': [bind('', '')], '53/udp': [bind('', '0')] }),
      dual,
      ['53/udp 0 0.0.0.0>172.17.0.2 ::>fd00::2?', '80/tcp 0 0.0.0.0>172.17.0.2 ::>fd00::2?'],
    ],
    [
      'a container without IPv4',
      wishes({ '80': [bind('', '80')] }),
      target({ ipv4: '', ipv6: 'fd00::2' }),
      ['80/tcp 80 ::>fd00::2?'],
    ],
    ['0.0.0.0 is IPv4 only', wishes({ '80/tcp': [bind('0.0.0.0', '80')] }), dual, ['80/tcp 80 0.0.0.0>172.17.0.2']],
    ['[::] is IPv6 only', wishes({ '80/tcp': [bind('::', '80')] }), dual, ['80/tcp 80 ::>fd00::2']],
    [
      'loopback',
      wishes({ '80/tcp': [bind('127.0.0.1', '80'), bind('0:0::1', '80')] }),
      target(),
      ['80/tcp 80 127.0.0.1>172.17.0.2 ::1>172.17.0.2'],
    ],
    [
      'an IPv4-mapped address',
      wishes({ '80/tcp': [bind('::ffff:127.0.0.1', '80')] }),
      dual,
      ['80/tcp 80 127.0.0.1>172.17.0.2'],
    ],
    [
      'exact ports come before ranges, ranges before nothing; SCTP last',
      wishes({
        '82/tcp': [bind('127.0.0.1', '8000-8010')],
        '81/sctp': [bind('127.0.0.1', '81')],
        '81/udp': [bind('127.0.0.1', '81')],
        '81/TCP': [bind('127.0.0.1', '81')],
      }),
      target(),
      ['81/tcp 81', '81/udp 81', '81/sctp 81', '82/tcp 8000-8010'].map((one) => `${one} 127.0.0.1>172.17.0.2`),
    ],
    [
      'several addresses of one binding get one port, unless they exclude each other',
      wishes({ '80/tcp': [bind('127.0.0.1', ''), bind('127.0.0.2', ''), bind('', '')] }),
      target(),
      ['80/tcp 0 0.0.0.0>172.17.0.2 ::>172.17.0.2?', '80/tcp 0 127.0.0.1>172.17.0.2 127.0.0.2>172.17.0.2'],
    ],
    [
      '-P: what is exposed and has no binding',
      wishes(
        { '80/tcp': [bind('127.0.0.1', '80')], '82/tcp': [] },
        { exposed: ['80/tcp', '81/udp', '90-91'], publishAll: true },
      ),
      target({ defaultHostAddress: '127.0.0.1' }),
      ['80/tcp 80', '81/udp 0', '82/tcp 0', '90/tcp 0', '91/tcp 0'].map((one) => `${one} 127.0.0.1>172.17.0.2`),
    ],
    ['without -P, what is exposed stays inside', wishes({ '82/tcp': null }, { exposed: ['80/tcp'] }), target(), []],
    [
      '--ip, or host_binding_ipv4',
      wishes({ '80/tcp': [bind('', '80')] }),
      target({ ipv6: 'fd00::2', defaultHostAddress: '192.0.2.1' }),
      ['80/tcp 80 192.0.2.1>172.17.0.2'],
    ],
    [
      '--ip 0.0.0.0 means both families',
      wishes({ '80/tcp': [bind('', '80')] }),
      target({ defaultHostAddress: '0.0.0.0' }),
      ['80/tcp 80 0.0.0.0>172.17.0.2 ::>172.17.0.2?'],
    ],
    [
      '--ip ::1',
      wishes({ '80/tcp': [bind('', '80')] }),
      target({ defaultHostAddress: '::1' }),
      ['80/tcp 80 ::1>172.17.0.2'],
    ],
    [
      'routed: nothing on the host, whatever was asked',
      wishes({ '80/tcp': [bind('127.0.0.1', '8080'), bind('', '')] }),
      target({ ipv6: 'fd00::2', mode4: 'routed' }),
      ['80/tcp 0 ::>fd00::2?', '80/tcp routed 0.0.0.0>172.17.0.2'],
    ],
    [
      'isolated: nobody outside',
      wishes({ '80/tcp': [bind('', '80')] }),
      target({ mode4: 'isolated', mode6: 'isolated' }),
      [],
    ],
    [
      'IPv6 by another endpoint',
      wishes({ '80/tcp': [bind('', '80')] }),
      target({ ipv6Elsewhere: true }),
      ['80/tcp 80 0.0.0.0>172.17.0.2'],
    ],
  ];
  for (const [name, request, to, expected] of cases) {
    void test(name, () => assert.deepEqual(plan(request, to), expected));
  }

  const bad: [PortWishes, string][] = [
    [wishes({ 'x/tcp': [bind('', '80')] }), 'invalid port specification: "x/tcp"'],
    [wishes({ '0/tcp': [bind('', '80')] }), 'invalid port specification: "0/tcp"'],
    [wishes({ '80-81/tcp': [bind('', '80')] }), 'invalid port specification: "80-81/tcp"'],
    [wishes({ '80/tcp': [bind('', '70000')] }), 'invalid port specification: "70000"'],
    [wishes({ '80/tcp': [bind('', '9-8')] }), 'invalid port specification: "9-8"'],
    [wishes({ '80/tcp': [bind('', '0-8')] }), 'invalid port specification: "0-8"'],
    [wishes({ '80/tcp': [bind('', '-1')] }), 'invalid port specification: "-1"'],
    [wishes({ '80/icmp': [bind('', '80')] }), 'invalid proto: icmp'],
    [wishes({ '80/tcp': [bind('localhost', '80')] }), 'invalid IP address: localhost'],
    [wishes({ '80/tcp': [bind('fe80::1%eth0', '80')] }), 'invalid IP address: fe80::1%eth0'],
    [wishes({}, { publishAll: true, exposed: ['$PORT'] }), 'invalid port specification: "$PORT"'],
  ];
  for (const [request, message] of bad) {
    void test(message, () => assert.throws(() => plan(request, target()), { kind: 'InvalidParameter', message }));
  }

  void test('whatever is asked: no place of a wanted port overlaps another, and every binding has a place', () => {
    const binding = fc.record({
      HostIp: fc.constantFrom('', '0.0.0.0', '127.0.0.1', '127.0.0.2', '::', '::1'),
      HostPort: fc.oneof(
        fc.constantFrom('', '0', '8080'),
        fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 100, max: 200 })).map((range) => range.join('-')),
      ),
    });
    const bindings = fc.dictionary(fc.constantFrom('80/tcp', '80/udp', '81/tcp'), fc.array(binding, { maxLength: 5 }));
    fc.assert(
      fc.property(bindings, fc.constantFrom(target(), dual), (portBindings, to) => {
        const wanted = wantedPorts(wishes(portBindings), to);
        for (const { places, first, last } of wanted) {
          assert.ok(first <= last && places.length > 0);
          for (const [i, a] of places.entries()) {
            for (const b of places.slice(i + 1)) assert.ok(!overlap(a.hostAddress, b.hostAddress));
          }
        }
        const asked = Object.values(portBindings).flat().length;
        const implied = wanted.flatMap(({ places }) => places).filter((place) => place.implied).length;
        assert.equal(wanted.flatMap(({ places }) => places).length, asked + implied);
      }),
    );
  });
});
