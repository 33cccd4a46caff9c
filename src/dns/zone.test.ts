import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { EndpointNames } from '../network/attendant.ts';
import { answerFromZone } from './answers.ts';
import { AnswerWriter } from './codec-answer.ts';
import { keyOf, nameText, wireName } from './codec-name.ts';
import { emptyQuery, readQuery } from './codec-query.ts';
import { CLASS, RCODE, TYPE, decodeMessage, encodeMessage } from './codec.ts';
import { Zone, reverseKey } from './zone.ts';
import type { ZoneView } from './zone.ts';

const on = (
  network: string,
  addresses: readonly string[],
  names: readonly string[],
  links: Record<string, string> = {},
): EndpointNames => ({ networkId: `id-${network}`, networkName: network, addresses, names, links });

/** Addresses (or names) that are answered; the rcode when none are; undefined when others are to be asked. */
function ask(view: ZoneView, name: string, type: number = TYPE.a): string[] | number | undefined {
  const bytes = encodeMessage({
    id: 1,
    flags: 0,
    questions: [{ name: wireName(name) ?? new Uint8Array(1), type, class: CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: [],
  });
  const query = emptyQuery();
  const writer = new AnswerWriter();
  const out = Buffer.alloc(4096);
  readQuery(bytes, bytes.length, query);
  writer.begin(out, bytes, query, 4096);
  const rcode = answerFromZone(view, query, writer);
  if (rcode === undefined) return undefined;
  const { answers } = decodeMessage(out.subarray(0, writer.finish(rcode)));
  if (answers.length === 0) return rcode;
  return answers.map(({ type: kind, data }) => (kind === TYPE.ptr ? nameText(data) : [...data].join('.')));
}

void describe('names of containers', () => {
  void test('are seen on the networks that both are on, in the order of the endpoints', () => {
    const zone = new Zone();
    const web = zone.put('web', [on('a', ['10.0.1.1'], ['web', 'www']), on('b', ['10.0.2.1'], ['web'])]);
    const db = zone.put('db', [on('b', ['10.0.2.2'], ['db', 'web'])]);
    const lone = zone.put('lone', [on('c', ['10.0.3.1'], ['lone'])]);
    assert.deepEqual(ask(web, 'web'), ['10.0.1.1']);
    assert.deepEqual(ask(web, 'web.b')?.toString().split(',').sort(), ['10.0.2.1', '10.0.2.2']);
    assert.deepEqual(ask(web, 'db'), ['10.0.2.2']);
    assert.deepEqual(ask(db, 'www'), undefined, 'a name on another network');
    assert.deepEqual(ask(lone, 'web'), undefined);
    assert.deepEqual(ask(lone, 'web.b'), undefined);
    assert.deepEqual(ask(web, 'WEB.A'), ['10.0.1.1']);
  });

  void test('of the other family only: nothing, and nobody else is asked', () => {
    const zone = new Zone();
    const view = zone.put('x', [on('a', ['10.0.1.1'], ['four', 'both']), on('b', ['fd00::1'], ['both', 'six'])]);
    assert.equal(ask(view, 'four', TYPE.aaaa), RCODE.ok);
    assert.equal(ask(view, 'six', TYPE.a), RCODE.ok);
    assert.equal((ask(view, 'both', TYPE.aaaa) as string[]).length, 1, 'the next network has it');
    for (const type of [15, 16, 65, TYPE.soa, TYPE.srv, TYPE.ptr]) assert.equal(ask(view, 'four', type), RCODE.ok);
    assert.equal(ask(view, 'nobody', TYPE.any), undefined);
    assert.deepEqual(ask(view, 'four', TYPE.any), ['10.0.1.1']);
  });

  void test('links are one container’s own', () => {
    const zone = new Zone();
    const a = zone.put('a', [on('n', ['10.0.0.1'], ['a'], { store: 'db', db: 'other' })]);
    const b = zone.put('b', [on('n', ['10.0.0.2'], ['db'])]);
    zone.put('c', [on('n', ['10.0.0.3'], ['other'])]);
    assert.deepEqual(ask(a, 'store'), ['10.0.0.2']);
    assert.deepEqual(ask(a, 'store.n'), ['10.0.0.2']);
    assert.deepEqual(ask(a, 'db'), ['10.0.0.3'], 'a link goes before a name');
    assert.equal(ask(b, 'store'), undefined);
    zone.drop('b');
    assert.equal(ask(a, 'store'), undefined, 'a link to nobody');
  });

  void test('wildcards stand for every name below', () => {
    const zone = new Zone();
    const view = zone.put('a', [on('n', ['10.0.0.1'], ['a', '*.web', '*.x.web'])]);
    zone.put('b', [on('n', ['10.0.0.2'], ['b', '*.x.web', 'own.web'])]);
    assert.deepEqual(ask(view, 'any.web'), ['10.0.0.1']);
    assert.deepEqual(ask(view, 'deep.er.web'), ['10.0.0.1']);
    assert.deepEqual(ask(view, 'any.web.n'), ['10.0.0.1']);
    assert.deepEqual(ask(view, 'own.web'), ['10.0.0.2'], 'a name of its own goes before');
    assert.equal((ask(view, 'q.x.web') as string[]).length, 2, 'the nearest wildcard');
    assert.equal(ask(view, 'web'), undefined, 'web itself is not below web');
    assert.equal(ask(view, 'any.web', TYPE.aaaa), RCODE.ok);
    zone.put('c', [on('n', ['10.0.0.3'], ['c', '*'])]);
    assert.equal(ask(view, 'unknown.n'), undefined, 'a lone * does not stand for the whole network');
  });

  void test('addresses have the name of their container, behind it the network’s', () => {
    const zone = new Zone();
    const view = zone.put('a', [on('n', ['10.0.0.1', 'fd00::1'], ['Web', 'alias'])]);
    assert.deepEqual(ask(view, '1.0.0.10.in-addr.arpa', TYPE.ptr), ['Web.n']);
    assert.deepEqual(ask(view, `1.${'0.'.repeat(28)}0.d.f.ip6.arpa`, TYPE.ptr), ['Web.n']);
    assert.equal(ask(view, '2.0.0.10.in-addr.arpa', TYPE.ptr), undefined);
    assert.equal(reverseKey('fd00::1'), keyOf(`1.${'0.'.repeat(28)}0.d.f.ip6.arpa`));
  });

  void test('a port as a service', () => {
    const zone = new Zone();
    const view = zone.put('a', [on('n', ['10.0.0.1', 'fd00::1'], ['web'])]);
    assert.equal((ask(view, '_8080._tcp.web', TYPE.srv) as string[]).length, 1);
    for (const name of ['_http._tcp.web', '_0._tcp.web', '_65536._tcp.web', '_80._tls.web', '_80._tcp.other', '_80']) {
      assert.equal(ask(view, name, TYPE.srv), undefined, name);
    }
  });

  void test('equal aliases take turns', () => {
    const zone = new Zone();
    const view = zone.put('a', [on('n', ['10.0.0.1'], ['all', 'all'])]);
    zone.put('b', [on('n', ['10.0.0.2'], ['all'])]);
    zone.put('c', [on('n', ['10.0.0.3'], ['all'])]);
    const firsts = Array.from({ length: 6 }, () => (ask(view, 'all') as string[])[0]);
    assert.deepEqual(new Set(firsts.slice(0, 3)), new Set(firsts.slice(3)));
    assert.equal(new Set(firsts).size, 3);
  });

  void test('after any puts and drops, what is seen is what was put last', () => {
    const networks = fc.constantFrom('x', 'y', 'z');
    const endpoint = fc.tuple(networks, fc.integer({ min: 1, max: 9 }), fc.subarray(['p', 'q', 'r', '*.w']));
    const step = fc.record({
      id: fc.constantFrom('1', '2', '3'),
      endpoints: fc.option(fc.uniqueArray(endpoint, { maxLength: 3, selector: ([network]) => network })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const zone = new Zone();
        const state = new Map<string, EndpointNames[]>();
        for (const { id, endpoints } of steps) {
          if (endpoints === null) {
            zone.drop(id);
            state.delete(id);
            continue;
          }
          const list = endpoints.map(([network, n, names]) => on(network, [`10.0.0.${n}`], names));
          zone.put(id, list);
          state.set(id, list);
        }
        const viewer = zone.put('viewer', [on('x', ['10.9.9.9'], ['viewer'])]);
        const all = [...state.values()].flat().filter(({ networkName }) => networkName === 'x');
        for (const [name, asked] of [
          ['p', 'p'],
          ['q', 'q.x'],
          ['r', 'r'],
          ['*.w', 'any.w'],
        ] as const) {
          const wanted = all.filter(({ names }) => names.includes(name)).flatMap(({ addresses }) => addresses);
          const seen = ask(viewer, asked);
          assert.deepEqual(Array.isArray(seen) ? seen.sort() : (seen ?? []), wanted.sort());
        }
      }),
    );
  });
});
