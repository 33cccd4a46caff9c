import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequest } from './decode/container.ts';
import { validateCreate } from './validate.ts';

const validate = (body: object, version = 52): void =>
  validateCreate(createRequest({ Image: 'b', ...body }, 'CreateRequest'), version);

const joined = { NetworkMode: 'container:x' };
const REFUSED: [object, RegExp][] = [
  [{ WorkingDir: 'here' }, /the working directory 'here' is invalid, it needs to be an absolute path/],
  [{ Hostname: 'a\nb' }, /invalid hostname format: "a\\nb"/],
  [{ Domainname: 'a b' }, /invalid domainname format: "a b"/],
  [{ HostConfig: { Dns: ['1.1.1.1\nx'] } }, /invalid DNS address: "1\.1\.1\.1\\nx" is no IP address/],
  [{ HostConfig: { DnsSearch: ['a\nnameserver 6.6.6.6'] } }, /invalid DNS search domain/],
  [{ HostConfig: { DnsOptions: ['ndots:1', 'x\u0085'] } }, /invalid DNS option: /],
  [{ Env: ['A=\0'] }, /CreateRequest\.Env has a NUL character in it/],
  [{ Labels: { 'a\0': '' } }, /CreateRequest\.Labels has a NUL character in it/],
  [{ Env: ['=x'] }, /invalid environment variable: =x/],
  [{ ExposedPorts: { 'x/tcp': {} } }, /invalid port specification: "x"/],
  [{ ExposedPorts: { '80/ipx': {} } }, /invalid proto: ipx/],
  [{ Healthcheck: { Interval: 5 } }, /Interval in Healthcheck cannot be less than 1ms/],
  [{ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '99999' }] } } }, /invalid port specification: "99999"/],
  [{ HostConfig: { RestartPolicy: { Name: 'sometimes' } } }, /unknown policy 'sometimes'/],
  [{ HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 1 } } }, /can only be used with 'on-failure'/],
  [{ HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } } }, /cannot be negative/],
  [{ HostConfig: { RestartPolicy: { Name: 'always' }, AutoRemove: true } }, /can't create 'AutoRemove' container/],
  [{ HostConfig: { ExtraHosts: ['x'] } }, /bad format for add-host: "x"/],
  [{ HostConfig: { OomScoreAdj: 1001 } }, /range for oom score adj/],
  [{ HostConfig: { ShmSize: -1 } }, /SHM size can not be less than 0/],
  [{ HostConfig: { CgroupnsMode: 'x' } }, /invalid cgroup namespace mode: x/],
  [{ HostConfig: { Mounts: [{ Type: 'npipe' }] } }, /mount type unknown/],
  [{ HostConfig: { NetworkMode: 'container:' } }, /invalid container format container:<name\|id>/],
  [{ Hostname: 'h', HostConfig: joined }, /conflicting options: hostname and the network mode/],
  [{ MacAddress: 'm', HostConfig: joined }, /conflicting options: mac-address and the network mode/],
  [
    { HostConfig: joined, NetworkingConfig: { EndpointsConfig: { 'container:x': { MacAddress: 'm' } } } },
    /conflicting options: mac-address and the network mode/,
  ],
  [{ HostConfig: { ...joined, Links: ['a'] } }, /can't be used with links/],
  [{ HostConfig: { ...joined, Dns: ['1.1.1.1'] } }, /conflicting options: dns and the network mode/],
  [{ HostConfig: { ...joined, ExtraHosts: ['a:1.1.1.1'] } }, /custom host-to-IP mapping and the network mode/],
  [{ HostConfig: { ...joined, PublishAllPorts: true } }, /port publishing and the container type network mode/],
  [{ ExposedPorts: { '80/tcp': {} }, HostConfig: joined }, /port exposing and the container type network mode/],
  [{ HostConfig: { NetworkMode: 'host', Links: ['a'] } }, /host type networking can't be used with links/],
];

void test('each refusal has its text', () => {
  for (const [body, text] of REFUSED) {
    assert.throws(() => validate(body), { kind: 'InvalidParameter', message: text }, JSON.stringify(body));
  }
});

void test('what is in order passes', () => {
  validate({});
  validate({ Env: ['A=b', 'FROM_CLIENT'], ExposedPorts: { '80': {}, '1-5/udp': {} }, WorkingDir: '/w' });
  validate({ HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, OomScoreAdj: -1000 } });
  validate({
    HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '' }, { HostPort: '8000-8010' }], '1/tcp': null } },
  });
  validate({ HostConfig: { Dns: ['::1', 'fe80::1%eth0'], DnsSearch: ['.', 'a.b'], DnsOptions: ['ndots:2'] } });
  validate({ Hostname: 'under_score.and-more', Domainname: 'example' });
  validate({ HostConfig: joined });
});

void test('several networks at once since 1.44', () => {
  const body = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  validate(body, 44);
  assert.throws(() => validate(body, 43), /Container cannot be created with multiple network endpoints: a, b/);
});
