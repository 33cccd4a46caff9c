import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerResolvConf, hostResolvConf, parseResolvConf } from './resolv-conf.ts';

const nothing = { nameservers: [], search: [], options: [] };
const host = (text: string): { path: string; text: string } => ({ path: '/etc/resolv.conf', text });
const servers = (text: string): readonly string[] => parseResolvConf(text).nameservers;

void test('resolv.conf is read as the resolver reads it', () => {
  assert.deepEqual(
    parseResolvConf(
      '# c\nnameserver 1.1.1.1 ; x\ndomain old\nsearch a b\noptions ndots:2 rotate\nnonsense\nnameserver ::1',
    ),
    { nameservers: ['1.1.1.1', '::1'], search: ['a', 'b'], options: ['ndots:2', 'rotate'] },
  );
});

void test('a container does not get servers that it cannot reach', () => {
  const text =
    'nameserver 127.0.0.53\nnameserver 10.0.0.1\nnameserver fd00::1\nnameserver ::1\nnameserver fe80::1%eth0\n';
  assert.deepEqual(servers(containerResolvConf(host(text), nothing, 'own')), ['10.0.0.1']);
  assert.deepEqual(servers(containerResolvConf(host(text), nothing, 'own-ipv6')), ['10.0.0.1', 'fd00::1']);
  assert.deepEqual(servers(containerResolvConf(host('nameserver 127.0.0.1\n'), nothing, 'own')), [
    '8.8.8.8',
    '8.8.4.4',
  ]);
  assert.equal(servers(containerResolvConf(host(''), nothing, 'own-ipv6')).length, 4);
  assert.equal(containerResolvConf(host(text), nothing, 'host'), text);
  assert.equal(containerResolvConf(host(text), nothing, 'none'), text);
});

void test('what the user says replaces what the host says', () => {
  const text = 'nameserver 10.0.0.1\nsearch host.example\noptions rotate\n';
  const overrides = { nameservers: ['127.0.0.1'], search: ['.'], options: ['ndots:1'] };
  assert.deepEqual(parseResolvConf(containerResolvConf(host(text), overrides, 'own')), {
    nameservers: ['127.0.0.1'],
    search: [],
    options: ['ndots:1'],
  });
  assert.deepEqual(parseResolvConf(containerResolvConf(host(text), { ...nothing, search: ['x'] }, 'host')), {
    nameservers: ['10.0.0.1'],
    search: ['x'],
    options: ['rotate'],
  });
});

void test('behind the stub of systemd-resolved stand the real servers', () => {
  const files = new Map([
    ['/etc/resolv.conf', 'nameserver 127.0.0.53\n'],
    ['/run/systemd/resolve/resolv.conf', 'nameserver 10.0.0.1\n'],
  ]);
  assert.equal(hostResolvConf((path) => files.get(path)).text, 'nameserver 10.0.0.1\n');
  files.delete('/run/systemd/resolve/resolv.conf');
  assert.equal(hostResolvConf((path) => files.get(path)).text, 'nameserver 127.0.0.53\n');
});
