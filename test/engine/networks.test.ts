/** Networks of containers that run and that do not: connect, disconnect, ports, links, over stop, start and a new daemon. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { NO_SETTINGS } from '../../src/model/container.ts';
import { conflict, type ErrorKind } from '../../src/errors.ts';
import type { EndpointSettings, HostConfig, PortMap } from '../../src/model/container.ts';
import { config, hostConfig, isolate, makeEngine, type Rig } from './support.ts';

isolate();

const settings = (own: Partial<EndpointSettings> = {}): EndpointSettings => ({ ...NO_SETTINGS, ...own });
const refuses = async (body: () => Promise<unknown>, kind: ErrorKind, message: RegExp | string): Promise<void> =>
  assert.rejects(body, { kind, message });
const force = { force: true, volumes: true, link: false };
const gently = { force: false };

void describe('networks of containers', () => {
  let rig: Rig;
  let root: string;
  before(async () => {
    root = mkdtempSync('/tmp/b-net-');
    rig = await makeEngine(root);
  });
  after(async () => {
    for (const { Id } of await rig.engine.list({ all: true, limit: 0, size: false, filters: new Map() })) {
      await rig.engine.remove(String(Id), force);
    }
    await rig.close();
    rmSync(root, { recursive: true });
  });

  const create = async (
    name: string,
    host: Partial<HostConfig>,
    endpoints: Record<string, EndpointSettings> = {},
    exposed: string[] = [],
  ): Promise<string> => {
    const { Id } = await rig.engine.create({
      name,
      config: config({ Cmd: ['sleep', '99'], ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
      hostConfig: hostConfig(host),
      networking: { EndpointsConfig: endpoints },
    });
    return Id;
  };
  interface Shown {
    Networks: Record<string, { IPAMConfig: unknown; DNSNames: unknown; NetworkID: string }>;
    Ports: PortMap;
  }
  const shown = async (ref: string): Promise<Shown> =>
    (await rig.engine.inspect(ref, { size: false }))['NetworkSettings'] as Shown;
  const networks = async (ref: string): Promise<string[]> => Object.keys((await shown(ref)).Networks);
  const hostOf = async (ref: string): Promise<HostConfig> =>
    (await rig.engine.inspect(ref, { size: false }))['HostConfig'] as HostConfig;

  void test('a stopped container: the record changes, and the next start takes it', async () => {
    const id = await create('still', { NetworkMode: 'front' });
    await rig.engine.connect(id, '5', settings({ IPAMConfig: { IPv4Address: '10.0.0.9' }, Aliases: ['www'] }));
    assert.deepEqual(await networks(id), ['front', 'back']);
    assert.deepEqual(Object.keys(rig.sandboxes.reserved.get(id) ?? {}), ['front', 'back']);
    await rig.engine.connect(id, 'back', settings());
    assert.deepEqual((await shown(id)).Networks['back']?.IPAMConfig, { IPv4Address: '10.0.0.9' }, 'kept as it was');
    await rig.engine.disconnect(id, 'front', gently);
    assert.deepEqual(await networks(id), ['back']);
    await refuses(
      async () => rig.engine.disconnect(id, 'front', gently),
      'System',
      `container ${id} is not connected to the network front`,
    );
    assert.deepEqual(rig.sandboxes.calls, []);
    rig.sandboxes.reserved.delete(id);
    await rig.engine.start(id);
    assert.deepEqual(Object.keys(rig.sandboxes.reserved.get(id) ?? {}), ['back'], 'on the network that is there now');
    const { networkMode, endpoints } = rig.sandboxes.open_.get(id) ?? {};
    assert.deepEqual([networkMode, Object.keys(endpoints ?? {})], ['back', ['back']]);
    assert.equal((await hostOf(id)).NetworkMode, 'front', 'stays what was asked');
    await rig.engine.stop(id, { timeout: 0 });
    const idle = (await shown(id)).Networks['back'];
    assert.deepEqual(idle?.DNSNames, ['still', 'www', id.slice(0, 12)]);
    assert.equal(idle?.NetworkID, '5'.repeat(64));
    await rig.engine.remove(id, force);
    assert.equal(rig.sandboxes.reserved.has(id), false);
  });

  void test('a running container: the network part first, then the record', async () => {
    const id = await create('up', { NetworkMode: 'front' });
    await rig.engine.start(id);
    rig.sandboxes.calls = [];
    await rig.engine.connect(id, 'back', settings());
    await refuses(
      async () => rig.engine.connect(id, 'back', settings()),
      'Forbidden',
      'endpoint with name up already exists in network back',
    );
    await rig.engine.disconnect(id, 'front', gently);
    await refuses(
      async () => rig.engine.disconnect(id, 'front', gently),
      'System',
      `container ${id} is not connected to network front`,
    );
    await refuses(async () => rig.engine.disconnect(id, 'front', { force: true }), 'NotFound', 'endpoint up not found');
    rig.sandboxes.refusal = conflict('Address already in use');
    await refuses(async () => rig.engine.connect(id, 'front', settings()), 'Conflict', 'Address already in use');
    assert.deepEqual(Object.keys(rig.sandboxes.reserved.get(id) ?? {}), ['back'], 'nothing changed');
    assert.equal(rig.sandboxes.calls[0], 'connect back');
    await rig.engine.stop(id, { timeout: 0 });
    assert.deepEqual(await networks(id), ['back']);
    await rig.engine.remove(id, force);
  });

  void test('refusals of connect and disconnect', async () => {
    const host = await create('on-host', { NetworkMode: 'host' });
    const none = await create('on-none', { NetworkMode: 'none' });
    const front = await create('on-front', { NetworkMode: 'front' });
    const joined = await create('joined', { NetworkMode: `container:${front}` });
    const SHARED = /^container sharing network namespace with another container or host cannot be connected to any/;
    const connect =
      (id: string, network: string, own: Partial<EndpointSettings> = {}): (() => Promise<void>) =>
      async () =>
        rig.engine.connect(id, network, settings(own));
    await refuses(connect(host, 'front'), 'InvalidParameter', SHARED);
    await refuses(connect(joined, 'front'), 'InvalidParameter', SHARED);
    await refuses(
      connect(none, 'front'),
      'InvalidParameter',
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
    await refuses(
      connect(front, 'none'),
      'InvalidParameter',
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
    await refuses(
      connect(front, 'host'),
      'InvalidParameter',
      'cannot connect container to host network - container must be created in host network mode',
    );
    await refuses(connect(front, 'nonesuch'), 'NotFound', 'network nonesuch not found');
    await refuses(connect('gone', 'front'), 'NotFound', 'No such container: gone');
    await refuses(
      connect(front, 'bridge', { IPAMConfig: { IPv4Address: '172.17.0.9' } }),
      'InvalidParameter',
      'invalid endpoint settings:\nuser specified IP address is supported on user defined networks only',
    );
    await refuses(
      async () => rig.engine.disconnect(host, 'host', gently),
      'InvalidParameter',
      'cannot disconnect container from host network - container was created in host network mode',
    );
    await refuses(
      async () => rig.engine.disconnect(front, 'nonesuch', gently),
      'System',
      `container ${front} is not connected to the network nonesuch`,
    );
    // From no network at all to one, before and after a start.
    await rig.engine.disconnect(none, 'none', gently);
    await rig.engine.connect(none, 'front', settings());
    assert.deepEqual(await networks(none), ['front']);
    await rig.engine.disconnect(none, 'front', gently);
    await rig.engine.start(none);
    assert.equal(rig.sandboxes.open_.get(none)?.networkMode, 'none');
    await rig.engine.connect(none, 'front', settings());
    for (const id of [joined, host, none, front]) await rig.engine.remove(id, force);
  });

  void test('published ports of a running container and of a stopped one', async () => {
    const at = (HostPort: string, HostIp = ''): { HostIp: string; HostPort: string } => ({ HostIp, HostPort });
    const id = await create('web', { NetworkMode: 'front', PortBindings: { '80/tcp': [at('8080')] } }, {}, ['90/udp']);
    const asked = (): PortMap | undefined => rig.sandboxes.open_.get(id)?.portBindings;
    assert.deepEqual(await rig.engine.publish(id, { add: { '81': [at('8081')] }, remove: {} }), {
      Ports: { '80/tcp': [at('8080')], '81/tcp': [at('8081')] },
    });
    await rig.engine.start(id);
    assert.deepEqual(asked(), { '80/tcp': [at('8080')], '81/tcp': [at('8081')] });
    assert.deepEqual(rig.sandboxes.open_.get(id)?.exposed, ['90/udp', '80/tcp', '81/tcp']);
    rig.sandboxes.calls = [];
    await rig.engine.publish(id, { add: { '90/udp': null }, remove: { '80/tcp': [] } });
    assert.deepEqual(rig.sandboxes.calls, [
      `publish ${JSON.stringify({
        add: { '90/udp': [at('')] },
        remove: { '80/tcp': null },
        wish: { portBindings: { '81/tcp': [at('8081')], '90/udp': [at('')] }, publishAll: false },
      })}`,
    ]);
    rig.sandboxes.refusal = conflict('Bind for 0.0.0.0:1 failed: port is already allocated');
    await refuses(
      async () => rig.engine.publish(id, { add: { '1': [at('1')] }, remove: { '81': null } }),
      'Conflict',
      /port is already allocated/,
    );
    await refuses(
      async () => rig.engine.publish(id, { add: {}, remove: { '80/tcp': null } }),
      'NotFound',
      "No public port '80/tcp' published for web",
    );
    assert.deepEqual((await hostOf(id)).PortBindings, { '81/tcp': [at('8081')], '90/udp': [at('')] });
    await rig.engine.restart(id, { timeout: 0 });
    assert.deepEqual(asked(), { '81/tcp': [at('8081')], '90/udp': [at('')] });
    await rig.engine.remove(id, force);
  });

  void test('-P, host and joined containers', async () => {
    const all = await create('all', { NetworkMode: 'front', PublishAllPorts: true }, {}, ['80/tcp', '81/tcp']);
    await rig.engine.publish(all, { add: {}, remove: { '80/tcp': null } });
    const { PortBindings, PublishAllPorts } = await hostOf(all);
    assert.deepEqual([PortBindings, PublishAllPorts], [{ '81/tcp': [{ HostIp: '', HostPort: '' }] }, false]);
    const port = { '80/tcp': [{ HostIp: '', HostPort: '80' }] };
    const made = await rig.engine.create({
      name: 'bare',
      config: config({ Cmd: ['sleep', '9'] }),
      hostConfig: hostConfig({ NetworkMode: 'host', PortBindings: port }),
      networking: { EndpointsConfig: {} },
    });
    assert.deepEqual(made.Warnings, ['Published ports are discarded when using host network mode']);
    await refuses(async () => rig.engine.publish('bare', { add: port, remove: {} }), 'InvalidParameter', /conflicting/);
    await create('joint', { NetworkMode: 'container:all' });
    await refuses(
      async () => rig.engine.publish('joint', { add: port, remove: {} }),
      'InvalidParameter',
      'conflicting options: port publishing and the container type network mode',
    );
    for (const name of ['joint', 'bare', 'all']) await rig.engine.remove(name, force);
  });

  void test('links: found at creation, running at the start, seen in names', async () => {
    const link = (Links: string[], NetworkMode = 'bridge'): Promise<string> => create('parent', { NetworkMode, Links });
    await refuses(
      async () => link(['gone']),
      'InvalidParameter',
      'could not get container for gone: No such container: gone',
    );
    const bare = await create('bare', { NetworkMode: 'host' });
    await refuses(async () => link(['bare']), 'InvalidParameter', /host type networking can't be used with links/);
    await create('db', { NetworkMode: 'bridge' });
    const parent = await link(['db:store', 'db']);
    assert.deepEqual((await hostOf(parent)).Links, ['/db:/parent/store', '/db:/parent/db']);
    await refuses(
      async () => rig.engine.start(parent),
      'System',
      'Cannot link to a non running container: /db AS /parent/store',
    );
    const filters = new Map([['name', ['db']]]);
    const [row] = await rig.engine.list({ all: true, limit: 0, size: false, filters });
    assert.deepEqual(row?.['Names'], ['/db', '/parent/store', '/parent/db']);
    const link_ = { force: false, volumes: false, link: true };
    await refuses(
      async () => rig.engine.remove('db', link_),
      'InvalidParameter',
      /^Conflict, cannot remove the default link name of the container/,
    );
    await refuses(async () => rig.engine.remove('parent/x', link_), 'NotFound', 'No such container: parent/x');
    await rig.engine.remove('/parent/db', link_);
    assert.deepEqual((await hostOf(parent)).Links, ['/db:/parent/store']);
    await rig.engine.remove('db', force);
    await rig.engine.start(parent);
    assert.deepEqual(rig.sandboxes.open_.get(parent)?.links, [], 'what is gone is linked no more');
    for (const id of [parent, bare]) await rig.engine.remove(id, force);
  });

  void test('after a restart of the machine, whose namespace others share starts before them', async () => {
    const RestartPolicy = { Name: 'always', MaximumRetryCount: 0 } as const;
    const names = ['base', 'f1', 'f2', 'f3', 'f4'];
    for (const name of names) {
      const own = { NetworkMode: name === 'base' ? 'front' : `container:${name === 'f4' ? 'f3' : 'base'}` };
      await create(name, { ...own, RestartPolicy });
      await rig.engine.start(name);
    }
    const stateOf = async (name: string): Promise<{ Pid: number; Status: string }> =>
      (await rig.engine.inspect(name, { size: false }))['State'] as { Pid: number; Status: string };
    const pids = await Promise.all(names.map(async (name) => (await stateOf(name)).Pid));
    await rig.close();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 300));
    rig = await makeEngine(root);
    const states = await Promise.all(names.map(async (name) => (await stateOf(name)).Status));
    assert.deepEqual(
      states,
      names.map(() => 'running'),
    );
    for (const name of names.toReversed()) await rig.engine.remove(name, force);
  });

  void test('the next daemon knows the networks, and tells the network part of all containers', async () => {
    const id = await create('kept', { NetworkMode: 'front' }, { back: settings({ Aliases: ['x'] }) });
    await rig.engine.disconnect(id, 'front', gently);
    await rig.close();
    rig = await makeEngine(root);
    assert.deepEqual(await networks('kept'), ['back']);
    assert.deepEqual([...rig.sandboxes.existing.keys()], [id]);
    assert.deepEqual(Object.keys(rig.sandboxes.existing.get(id) ?? {}), ['back']);
    await rig.engine.remove(id, force);
  });
});
