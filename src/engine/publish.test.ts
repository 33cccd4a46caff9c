import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortMap } from '../model/container.ts';
import { expandPort, expandPorts, normalizeBindings } from './port-specs.ts';
import { changedBindings, normalizedChange } from './publish.ts';

const at = (HostPort: string, HostIp = ''): { HostIp: string; HostPort: string } => ({ HostIp, HostPort });
const change = (before: PortMap, add: PortMap, remove: PortMap): PortMap =>
  changedBindings(before, normalizedChange({ add, remove }), 'web');

void test('ports in every spelling', () => {
  assert.deepEqual(expandPort('80'), ['80/tcp']);
  assert.deepEqual(expandPort('8000-8002/UDP'), ['8000/udp', '8001/udp', '8002/udp']);
  for (const text of ['', 'x', '80/', '80/ipx', '65536', '9-8', '-1', '0'])
    assert.throws(() => expandPort(text), { kind: 'InvalidParameter' }, text);
  assert.deepEqual(expandPorts({ '80': {}, '90-91/udp': {} }), { '80/tcp': {}, '90/udp': {}, '91/udp': {} });
  assert.deepEqual(normalizeBindings({ '80': [at('1')], '80/TCP': [at('2')], '90/udp': null }), {
    '80/tcp': [at('1'), at('2')],
    '90/udp': [],
  });
  assert.throws(() => normalizeBindings({ '80-81/tcp': [at('1')] }), { kind: 'InvalidParameter' });
});

void test('adding', () => {
  assert.deepEqual(change({}, { '80': null, '81/udp': [at('8081')] }, {}), {
    '80/tcp': [at('')],
    '81/udp': [at('8081')],
  });
  assert.deepEqual(change({ '80/tcp': [at('1')] }, { '80/tcp': [at('2')] }, {}), { '80/tcp': [at('1'), at('2')] });
  assert.throws(() => change({ '80/tcp': [at('1')] }, { '80/tcp': [at('1')] }, {}), {
    kind: 'Conflict',
    message: 'Bind for 0.0.0.0:1 failed: port is already allocated',
  });
});

void test('removing: all of a port, or the binding that is meant', () => {
  const before = { '80/tcp': [at('8000-8010'), at('9000', '127.0.0.1'), at('9000')], '53/udp': [at('')] };
  assert.deepEqual(change(before, {}, { '80': null }), { '53/udp': [at('')] });
  const left = (wanted: { HostIp: string; HostPort: string }): PortMap[string] | undefined =>
    change(before, {}, { '80': [wanted] })['80/tcp'];
  assert.deepEqual(left(at('9000')), [at('8000-8010')]);
  assert.deepEqual(change({ '80/tcp': [at(''), at('')] }, {}, { '80': [at('32769', '::')] })['80/tcp'], [at('')]);
  assert.deepEqual(change(before, {}, { '80': [at('8004')] })['80/tcp'], [at('9000', '127.0.0.1'), at('9000')]);
  assert.deepEqual(Object.keys(change(before, {}, { '53/udp': [at('32768')] })), ['80/tcp']);
  assert.deepEqual(change(before, { '53/udp': [at('53')] }, { '53/udp': null })['53/udp'], [at('53')]);
  assert.deepEqual(change({ '80/tcp': [at('9000')] }, {}, { '80': [at('9000', '::')] }), {});
  const missing: PortMap[] = [{ '81': null }, { '80': [at('7000')] }, { '80': [at('9000', '10.0.0.1')] }];
  for (const remove of missing)
    assert.throws(() => change(before, {}, remove), { kind: 'NotFound' }, JSON.stringify(remove));
});
