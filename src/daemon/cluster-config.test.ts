import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from './config.ts';

const cluster = (argv: string[], file: unknown = {}) => loadConfig(argv, () => JSON.stringify(file)).settings.cluster;
const refused = (argv: string[], message: RegExp): void =>
  assert.throws(() => cluster(argv), { name: 'BerthError', kind: 'InvalidParameter', message });
const endpoints = (url: string): readonly string[] => cluster(['--cluster-store', url]).store?.endpoints ?? [];

void describe('the cluster store', () => {
  void test('there is none unless it is given', () => {
    const { store, advertise, name, vxlanPort, wireguardPort, lease, timeout } = cluster([]);
    assert.equal(store, undefined);
    assert.deepEqual([advertise, name, vxlanPort, wireguardPort, lease, timeout], ['', '', 4789, 51820, 30, 5]);
  });
  void test('ports are optional, addresses of both families and names are taken, doubles go', () => {
    assert.deepEqual(endpoints('etcd://192.0.2.1,[2001:db8::1]:23790,etcd.example.test,192.0.2.1:2379'), [
      'http://192.0.2.1:2379',
      'http://[2001:db8::1]:23790',
      'http://etcd.example.test:2379',
    ]);
  });
  void test('TLS by the scheme, or by a certificate', () => {
    assert.deepEqual(endpoints('etcds://192.0.2.1'), ['https://192.0.2.1:2379']);
    const { store } = cluster([
      '--cluster-store=etcd://192.0.2.1',
      '--cluster-store-opt=kv.cacertfile=/k/ca.pem',
      '--cluster-store-opt=kv.certfile=/k/c.pem',
      '--cluster-store-opt=kv.keyfile=/k/k.pem',
      '--cluster-store-opt=user=berth',
      '--cluster-store-opt=passwordfile=/k/password',
    ]);
    assert.deepEqual(store, {
      endpoints: ['https://192.0.2.1:2379'],
      prefix: '/berth',
      ca: '/k/ca.pem',
      certificate: '/k/c.pem',
      key: '/k/k.pem',
      user: 'berth',
      passwordFile: '/k/password',
    });
  });
  void test('the prefix from the option, else from the path of the URL', () => {
    assert.equal(cluster(['--cluster-store=etcd://a/one/']).store?.prefix, '/one');
    assert.equal(cluster(['--cluster-store=etcd://a/one', '--cluster-store-opt=kv.path=two']).store?.prefix, '/two');
  });
  void test('the same in daemon.json', () => {
    const file = {
      'cluster-store': 'etcd://a',
      'cluster-store-opts': { 'kv.path': 'x' },
      'cluster-advertise': 'eth0:2376',
      'cluster-vxlan-port': 4790,
    };
    const { store, advertise, vxlanPort } = cluster([], file);
    assert.deepEqual([store?.prefix, advertise, vxlanPort], ['/x', 'eth0', 4790]);
  });
  void test('what is wrong is refused', () => {
    for (const url of [
      'consul://a',
      'etcd://',
      'etcd://a,',
      'etcd://a:0',
      'etcd://a:65536',
      'etcd://[::1',
      'etcd://[a]',
      '2',
    ]) {
      refused(['--cluster-store', url], /^invalid --cluster-store/);
    }
    refused(['--cluster-store=etcd://a', '--cluster-store-opt=kv.certfile=/c'], /belong together/);
    refused(['--cluster-store=etcd://a', '--cluster-store-opt=user=x'], /belong together/);
    refused(['--cluster-store=etcd://a', '--cluster-store-opt=kv.keyfile=k'], /must be an absolute path/);
    refused(['--cluster-store=etcd://a', '--cluster-store-opt=discovery=1'], /^invalid --cluster-store-opt: there are/);
    refused(['--cluster-store-opt=kv.path=a'], /there is none/);
  });
  void test('a secret on the command line is refused, and not repeated', () => {
    for (const argv of [
      ['--cluster-store=etcd://a', '--cluster-store-opt=password=hunter2'],
      ['--cluster-store=etcd://root:hunter2@a'],
      ['--cluster-store=etcd:root:hunter2@a'],
    ]) {
      refused(argv, /passwordfile=PATH$/);
      assert.throws(
        () => cluster(argv),
        (error: Error) => !error.message.includes('hunter2'),
      );
    }
  });
});

void test('the advertised address: an address or an interface, with the port of Docker’s old flag', () => {
  const advertise = (text: string): string => cluster(['--cluster-advertise', text]).advertise;
  assert.equal(advertise('192.0.2.1'), '192.0.2.1');
  assert.equal(advertise('192.0.2.1:2376'), '192.0.2.1');
  assert.equal(advertise('2001:db8::1'), '2001:db8::1');
  assert.equal(advertise('[2001:db8::1]:2376'), '2001:db8::1');
  assert.equal(advertise('eth0.50'), 'eth0.50');
  refused(['--cluster-advertise', 'a b'], /expected an address or the name of an interface/);
  refused(['--cluster-advertise', ':2376'], /expected an address or the name of an interface/);
});

void test('numbers have bounds, and a host name is one word', () => {
  refused(['--cluster-vxlan-port=0'], /not between 1 and 65535/);
  refused(['--cluster-wireguard-port=65536'], /--cluster-wireguard-port: 65536 is not between 1 and 65535/);
  refused(['--cluster-wireguard-port=4789'], /--cluster-wireguard-port: 4789 is the --cluster-vxlan-port/);
  refused(['--cluster-lease=1'], /not between 5 and 3600/);
  refused(['--cluster-timeout=0'], /not between 1 and 300/);
  assert.equal(cluster(['--cluster-name=web-1.example']).name, 'web-1.example');
  for (const name of ['a/b', 'a b', '-a', 'a'.repeat(64)])
    refused([`--cluster-name=${name}`], /^invalid --cluster-name/);
});
