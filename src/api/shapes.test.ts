import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageInspectShape, imageShape, inspectShape, networkShape } from './shapes.ts';

const endpoint = {
  EndpointID: 'e',
  Gateway: '172.17.0.1',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '172.17.0.2',
  IPPrefixLen: 16,
  IPv6Gateway: '',
  MacAddress: '02:42:ac:11:00:02',
};
const container = (networks: object): { Config: object; NetworkSettings: object } => ({
  Config: { Image: 'b' },
  NetworkSettings: { SandboxID: 's', Networks: networks },
});

void test('older clients find the default bridge’s addresses at the top', () => {
  const shaped = inspectShape(container({ bridge: { ...endpoint, NetworkID: 'n' } }), 51);
  assert.deepEqual(shaped['NetworkSettings'], {
    Bridge: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...endpoint,
    SandboxID: 's',
    Networks: { bridge: { ...endpoint, NetworkID: 'n' } },
  });
});

void test('until 1.44 the short ID and the host name are aliases on user-defined networks', () => {
  const Id = '0123456789abcdef'.repeat(4);
  const given = {
    Id,
    Config: { Hostname: 'box' },
    NetworkSettings: {
      Networks: { front: { Aliases: ['www', 'box'] }, back: { Aliases: null }, bridge: { Aliases: null } },
    },
  };
  const aliases = (version: number): unknown[] => {
    const settings = inspectShape(given, version)['NetworkSettings'] as typeof given.NetworkSettings;
    return Object.values(settings.Networks).map(({ Aliases }) => Aliases);
  };
  assert.deepEqual(aliases(44), [['www', 'box', Id.slice(0, 12)], [Id.slice(0, 12), 'box'], null]);
  assert.deepEqual(aliases(45), [['www', 'box'], null, null]);
});

void test('without a default bridge the fields are there and empty; newer clients get none', () => {
  const old = inspectShape(container({ other: endpoint }), 41);
  assert.equal((old['NetworkSettings'] as { IPAddress: string }).IPAddress, '');
  assert.deepEqual(old['Config'], { Image: 'b' });
  const given = container({ bridge: endpoint });
  assert.equal(inspectShape(given, 52), given);
  assert.deepEqual(inspectShape({}, 41), {});
});

void test('VirtualSize until 1.43', () => {
  assert.deepEqual(imageShape({ Size: 5 }, 43), { VirtualSize: 5, Size: 5 });
  assert.deepEqual(imageShape({ Size: 5 }, 44), { Size: 5 });
});

void test('ContainerConfig of an image until 1.44, fields of containers in Config until 1.49', () => {
  const image = { Config: { Volumes: { '/data': {} } } };
  const old = imageInspectShape(image, 44);
  assert.deepEqual(old['ContainerConfig'], old['Config']);
  assert.equal(old['Container'], '');
  const { ContainerConfig, Config } = imageInspectShape(image, 49) as Record<string, Record<string, unknown>>;
  assert.deepEqual([ContainerConfig, Config?.['Hostname'], Config?.['Tty']], [undefined, '', false]);
  assert.deepEqual(imageInspectShape(image, 50), image);
});

void test('the state of a network’s pools since 1.52', () => {
  assert.deepEqual(networkShape({ Name: 'n', Status: {} }, 51), { Name: 'n' });
  assert.deepEqual(networkShape({ Name: 'n', Status: {} }, 52), { Name: 'n', Status: {} });
});
