/** dockerode's calls of networks, volumes, the system and its events. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import { scenarios } from '../compatibility/scenarios.ts';
import { until } from '../support/wait.ts';

const IDLE = { Image: 'busybox', Cmd: ['sleep', '1000'] };

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
}

/** The events of a stream as they come, one JSON object a line. */
function eventsOf(stream: NodeJS.ReadableStream): Event[] {
  const events: Event[] = [];
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line) => JSON.parse(line) as Event));
  });
  return events;
}

const destroy = (stream: NodeJS.ReadableStream): void => (stream as unknown as { destroy(): void }).destroy();

scenarios(
  { client: 'dockerode 5' },
  async (host) => {
    const daemon = await host.startDaemon();
    return { client: new Docker({ socketPath: daemon.socket, version: 'v1.52' }) };
  },
  {
    'networks: create with addresses, inspect, list, remove': async ({ client }) => {
      const network = await client.createNetwork({
        Name: 'back',
        Internal: true,
        Labels: { part: 'networks' },
        IPAM: { Driver: 'default', Config: [{ Subnet: '10.9.0.0/24', Gateway: '10.9.0.254' }] },
      });
      const inspected = await network.inspect();
      assert.deepEqual(
        [inspected.Name, inspected.Driver, inspected.Internal, inspected.IPAM?.Config],
        ['back', 'bridge', true, [{ Subnet: '10.9.0.0/24', Gateway: '10.9.0.254' }]],
      );
      const listed = await client.listNetworks({ filters: { label: ['part=networks'] } });
      assert.deepEqual(
        listed.map(({ Id }) => Id),
        [network.id],
      );
      await assert.rejects(client.createNetwork({ Name: 'back', CheckDuplicate: true }), { statusCode: 409 });
      await network.remove();
      await assert.rejects(network.inspect(), { statusCode: 404 });
    },
    'networks: connect and disconnect, with aliases and a static address': async ({ client }) => {
      const network = await client.createNetwork({ Name: 'net', IPAM: { Config: [{ Subnet: '10.9.1.0/24' }] } });
      const container = await client.createContainer({ ...IDLE, name: 'member' });
      await container.start();
      await network.connect({
        Container: container.id,
        EndpointConfig: { Aliases: ['other'], IPAMConfig: { IPv4Address: '10.9.1.77' } },
      });
      const endpoint = (await container.inspect()).NetworkSettings.Networks['net'];
      assert.deepEqual([endpoint?.IPAddress, endpoint?.Aliases], ['10.9.1.77', ['other']]);
      const members = (await network.inspect()).Containers as Record<string, { IPv4Address: string }>;
      assert.equal(members[container.id]?.IPv4Address, '10.9.1.77/24');
      const looked = await client.run(
        'busybox',
        ['ping', '-c1', 'other'],
        [new PassThrough().resume(), new PassThrough().resume()],
        {
          Tty: false,
          HostConfig: { NetworkMode: 'net', AutoRemove: true },
        },
      );
      assert.equal((looked as [{ StatusCode: number }])[0].StatusCode, 0);
      await assert.rejects(network.remove(), { statusCode: 403 });
      await network.disconnect({ Container: 'member', Force: false });
      assert.deepEqual(Object.keys((await container.inspect()).NetworkSettings.Networks), ['bridge']);
      await container.remove({ force: true });
      assert.deepEqual((await client.pruneNetworks()).NetworksDeleted, ['net']);
    },
    'events: filters, since and until': async ({ client }) => {
      const since = Math.floor(Date.now() / 1000);
      const live = await client.getEvents({ filters: { type: ['network'], event: ['create', 'destroy'] } });
      const seen = eventsOf(live);
      const network = await client.createNetwork({ Name: 'told' });
      const container = await client.createContainer({ ...IDLE, name: 'told' });
      await network.remove();
      await until(() => seen.length === 2, 10_000, 'two events');
      assert.deepEqual(
        seen.map(({ Type, Action, Actor }) => `${Type} ${Action} ${Actor.Attributes['name']}`),
        ['network create told', 'network destroy told'],
      );
      destroy(live);
      await container.remove();
      const past = await client.getEvents({
        since,
        until: Math.ceil(Date.now() / 1000),
        filters: { container: ['told'] },
      });
      const before = eventsOf(past);
      await new Promise((resolve) => past.once('end', resolve));
      assert.deepEqual(
        before.map(({ Action }) => Action),
        ['create', 'destroy'],
      );
    },
    'version, info, ping': async ({ client }) => {
      const { ApiVersion, Os } = await client.version();
      assert.deepEqual([ApiVersion, Os], ['1.52', 'linux']);
      const { Containers, ServerVersion, Driver } = (await client.info()) as Record<string, unknown>;
      assert.deepEqual([Containers, typeof ServerVersion, Driver], [0, 'string', 'overlay2']);
      assert.equal(String(await client.ping()), 'OK');
    },
    swarm: async ({ client }) => {
      await assert.rejects(client.listServices(), { statusCode: 503, message: /not a swarm manager/ });
      await assert.rejects(client.swarmInit({ ListenAddr: '127.0.0.1' }), { statusCode: 501 });
      return { refused: 'berth has no swarm mode' };
    },
  },
);
