import { NO_SETTINGS } from '../model/container.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSettings } from '../model/container.ts';
import { attachmentsOf, discardedPorts, dnsNames, effectiveMode, wishOf } from './attachments.ts';
import { sampleConfig, sampleHost } from './testing-samples.ts';

const NETWORKS: Readonly<Record<string, string>> = { bridge: 'b1', host: 'h1', none: 'n1', front: 'f1', back: 'f2' };
const names = (ref: string): string | undefined =>
  Object.entries(NETWORKS).find(([name, id]) => name === ref || id === ref)?.[0];
const settings = (own: Partial<EndpointSettings> = {}): EndpointSettings => ({ ...NO_SETTINGS, ...own });

void describe('the networks of a create request', () => {
  for (const [mode, asked, found] of [
    ['default', [], ['bridge']],
    ['', [], ['bridge']],
    ['none', [], ['none']],
    ['front', [], ['front']],
    ['f1', [], ['front']],
    ['front', ['back'], ['front', 'back']],
    ['front', ['back', 'f1'], ['back', 'front']],
    ['default', ['default'], ['bridge']],
    ['bridge', ['b1'], ['bridge']],
    ['not-yet', ['back'], ['not-yet', 'back']],
    ['container:x', ['container:x'], []],
  ] as const) {
    void test(`${mode} with ${asked.join(', ') || 'nothing'}`, () => {
      const endpoints = Object.fromEntries(asked.map((name) => [name, settings()]));
      assert.deepEqual(Object.keys(attachmentsOf(mode, endpoints, names)), found);
    });
  }
  void test('refusals', () => {
    assert.throws(() => attachmentsOf('front', { front: settings(), f1: settings() }, names), {
      kind: 'InvalidParameter',
      message: 'network "front" is specified multiple times',
    });
    assert.throws(() => attachmentsOf('container:x', { front: settings() }, names), {
      kind: 'InvalidParameter',
      message:
        'container sharing network namespace with another container or host cannot be connected to any other network',
    });
  });
});

void test('what a sandbox is opened as follows the networks, not the mode', () => {
  const on = (...list: string[]): Record<string, EndpointSettings> =>
    Object.fromEntries(list.map((name) => [name, settings()]));
  assert.equal(effectiveMode('f1', on('back', 'front'), names), 'front');
  assert.equal(effectiveMode('front', on('back'), names), 'back');
  assert.equal(effectiveMode('default', on('back'), names), 'back');
  assert.equal(effectiveMode('front', {}, names), 'none');
  assert.equal(effectiveMode('none', on('front'), names), 'front');
  assert.equal(effectiveMode('container:x', {}, names), 'container:x');
});

void test('ports are asked for where there is something to publish them', () => {
  const host = sampleHost({ PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, PublishAllPorts: true });
  const config = sampleConfig({ ExposedPorts: { '80/tcp': {} } });
  const wish = (mode: string, network: string): ReturnType<typeof wishOf> =>
    wishOf(
      { id: 'i', name: 'n', config, hostConfig: { ...host, NetworkMode: mode }, networks: { [network]: settings() } },
      [],
      names,
    );
  const { portBindings, exposed, publishAll, networkMode } = wish('front', 'front');
  assert.deepEqual([portBindings, exposed, publishAll, networkMode], [host.PortBindings, ['80/tcp'], true, 'front']);
  const none = wish('host', 'host');
  assert.deepEqual([none.portBindings, none.exposed, none.publishAll], [{}, [], false]);
  assert.deepEqual(discardedPorts({ ...host, NetworkMode: 'host' }), [
    'Published ports are discarded when using host network mode',
  ]);
  assert.deepEqual(discardedPorts(host), []);
  assert.deepEqual(discardedPorts(sampleHost({ NetworkMode: 'host', PortBindings: { '80/tcp': [] } })), []);
});

void test('without a default bridge, its containers are on no network', () => {
  const { networkMode, endpoints } = wishOf(
    { id: 'i', name: 'n', config: sampleConfig(), hostConfig: sampleHost(), networks: { bridge: settings() } },
    [],
    (ref) => (ref === 'bridge' ? undefined : names(ref)),
  );
  assert.deepEqual([networkMode, endpoints], ['none', {}]);
});

void test('who may change interfaces by itself', () => {
  const may = (own: Parameters<typeof sampleHost>[0]): boolean =>
    wishOf({ id: 'i', name: 'n', config: sampleConfig(), hostConfig: sampleHost(own), networks: {} }, [], names)
      .netAdmin;
  assert.equal(may({}), false);
  assert.equal(may({ CapAdd: ['net_admin'] }), true);
  assert.equal(may({ CapAdd: ['ALL'] }), true);
  assert.equal(may({ CapAdd: ['ALL'], CapDrop: ['NET_ADMIN'] }), false);
  assert.equal(may({ Privileged: true }), true);
});

void test('DNS names: the name first, nothing twice', () => {
  const record = { id: '0123456789abcdef', name: 'web', config: sampleConfig({ Hostname: '0123456789ab' }) };
  const of = (hostname: string, aliases: string[]): string[] =>
    dnsNames({ ...record, config: sampleConfig({ Hostname: hostname }) } as Parameters<typeof dnsNames>[0], aliases);
  assert.deepEqual(of('0123456789ab', ['www', 'web']), ['web', 'www', '0123456789ab']);
  assert.deepEqual(of('box', []), ['web', '0123456789ab', 'box']);
});
