import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byVersion } from './create-versions.ts';
import { createRequest } from './decode/container.ts';

const migrate = (body: object, version = 52): ReturnType<typeof byVersion> =>
  byVersion(createRequest({ Image: 'b', ...body }, 'CreateRequest'), version);

void test('the default network is the bridge, and so is its endpoint', () => {
  const body = {
    HostConfig: { NetworkMode: 'default' },
    NetworkingConfig: { EndpointsConfig: { default: { GwPriority: 4 } } },
  };
  const { hostConfig, networking } = migrate(body).parts;
  assert.equal(hostConfig.NetworkMode, 'bridge');
  assert.deepEqual(Object.keys(networking.EndpointsConfig), ['bridge']);
  assert.equal(networking.EndpointsConfig['bridge']?.GwPriority, 4);
  assert.equal(migrate(body, 47).parts.networking.EndpointsConfig['bridge']?.GwPriority, 0);
  assert.equal(migrate({}).parts.hostConfig.NetworkMode, 'bridge');
  assert.equal(migrate({ HostConfig: { NetworkMode: 'front' } }).parts.hostConfig.NetworkMode, 'front');
});

void test('an interval of its own for the start period came with 1.44', () => {
  const body = { Healthcheck: { Test: ['CMD', 'x'], StartInterval: 5e6 } };
  assert.equal(migrate(body, 44).parts.config.Healthcheck?.StartInterval, 5e6);
  assert.deepEqual(migrate(body, 43).parts.config.Healthcheck, { Test: ['CMD', 'x'] });
});

void test('a read-only bind is that with all below it since 1.44', () => {
  const mount = { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rslave' } };
  const options = (version: number): unknown =>
    migrate({ HostConfig: { Mounts: [mount] } }, version).parts.hostConfig.Mounts?.[0]?.BindOptions;
  assert.deepEqual(options(44), { Propagation: 'rslave' });
  assert.deepEqual(options(43), { Propagation: 'rslave', ReadOnlyNonRecursive: true });
});

void test('a MAC address is an endpoint’s since 1.44', () => {
  const MacAddress = '02:42:ac:11:00:09';
  const endpoint = { NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress } } } };
  assert.equal(migrate(endpoint, 44).parts.networking.EndpointsConfig['bridge']?.MacAddress, MacAddress);
  assert.equal(migrate(endpoint, 43).parts.networking.EndpointsConfig['bridge']?.MacAddress, '');
  assert.match(migrate({ MacAddress }, 44).warnings[0] ?? '', /^The container-wide MacAddress field is now deprecated/);
  assert.deepEqual(migrate({ MacAddress }, 43).warnings, []);
  assert.throws(() => migrate({ MacAddress, HostConfig: { NetworkMode: 'host' } }, 43), {
    message: 'conflicting options: mac-address and the network mode',
  });
});
