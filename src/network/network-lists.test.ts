import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { World, creation, names, open, request } from './testing-world.ts';

let world = new World();
beforeEach(() => (world = new World()));

void describe('lists and prune', () => {
  void test('filters', async () => {
    const parts = await world.started();
    await parts.networks.create(creation('web-front', { Labels: { tier: 'front', a: '' } }));
    await parts.networks.create(creation('web-back', { Labels: { tier: 'back' } }));
    await open(parts, request('c1', { networkMode: 'web-back' }));
    const custom = ['web-front', 'web-back'];
    const all = ['bridge', 'host', 'none', ...custom];
    assert.deepEqual(names(parts), all);
    assert.deepEqual(names(parts, ['driver', ['host', 'null']]), ['host', 'none']);
    assert.deepEqual(names(parts, ['type', ['custom']]), custom);
    assert.deepEqual(names(parts, ['type', ['builtin', 'custom']]), all);
    assert.deepEqual(names(parts, ['scope', ['local']]), all);
    assert.deepEqual(names(parts, ['scope', ['swarm']]), []);
    assert.deepEqual(names(parts, ['name', ['^web-.*t$', 'one']]), ['none', 'web-front']);
    assert.deepEqual(names(parts, ['name', ['[']]), []);
    assert.deepEqual(names(parts, ['name', ['(?=web)']]), []);
    assert.deepEqual(names(parts, ['id', [world.record('web-back').id.slice(0, 9)]]), ['web-back']);
    assert.deepEqual(names(parts, ['label', ['tier']]), custom);
    assert.deepEqual(names(parts, ['label', ['tier=front', 'a']]), ['web-front']);
    assert.deepEqual(names(parts, ['label', ['tier=front', 'tier=back']]), []);
    assert.deepEqual(names(parts, ['dangling', ['true']]), ['web-front']);
    assert.deepEqual(names(parts, ['dangling', ['0']]), ['bridge', 'host', 'none', 'web-back']);
    const refused = (name: string, values: string[], message: string): void =>
      assert.throws(() => names(parts, [name, values]), { kind: 'InvalidParameter', message });
    refused('type', ['x'], "invalid filter: 'type'='x'");
    refused('dangling', ['1', '0'], 'got more than one value for filter key "dangling"');
    const dangling = `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`;
    refused('dangling', ['maybe'], dangling);
  });

  void test('prune removes what nobody uses, and says so', async () => {
    const parts = await world.started();
    const prune = async (...filters: [string, string[]][]): Promise<string[]> =>
      (await parts.networks.prune(new Map(filters))).NetworksDeleted;
    await parts.networks.create(creation('old', { Labels: { keep: 'no' } }));
    await parts.networks.create(creation('used'));
    await parts.networks.create(creation('settings', { ConfigOnly: true }));
    await open(parts, request('c1', { networkMode: 'used' }));
    world.now = '2026-01-02T00:00:00Z';
    await parts.networks.create(creation('new', { Labels: { keep: 'yes' } }));
    assert.deepEqual(await prune(['until', ['48h']]), []);
    assert.deepEqual(await prune(['label', ['keep=maybe']]), []);
    assert.deepEqual(await prune(['label!', ['keep']]), []);
    assert.deepEqual(await prune(['until', ['1h30m']]), ['old']);
    world.published = [];
    assert.deepEqual(await prune(['label!', ['keep=no']]), ['new']);
    assert.deepEqual(
      world.published.map((event) =>
        (event as unknown[]).filter((part) => typeof part !== 'string' || part.length < 64),
      ),
      [
        ['network', 'destroy', { name: 'new', type: 'bridge' }],
        ['network', 'prune', '', { reclaimed: '0' }],
      ],
    );
    assert.deepEqual(names(parts, ['type', ['custom']]), ['used', 'settings']);
    for (const until of ['x', '1y', '2026', '2026-01-01T00:00:00Z', '1767225600']) {
      const wrong = until === 'x' || until === '1y';
      const outcome = prune(['until', [until]]);
      await (wrong ? assert.rejects(outcome, { kind: 'InvalidParameter' }) : outcome);
    }
    await assert.rejects(prune(['until', ['1h', '2h']]), /more than one until filter specified/);
  });
});
