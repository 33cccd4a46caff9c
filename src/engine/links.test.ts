import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkVariables, parseLink } from './links.ts';

void test('links in their three spellings', () => {
  assert.deepEqual(parseLink('db'), { name: 'db', alias: 'db' });
  assert.deepEqual(parseLink('db:store'), { name: 'db', alias: 'store' });
  assert.deepEqual(parseLink('/db:/web/store'), { name: '/db', alias: 'store' });
  assert.throws(() => parseLink(''), { message: 'empty string specified for links' });
  assert.throws(() => parseLink('a:b:c'), { message: 'bad format for links: a:b:c' });
});

void test('the variables of a linked container', () => {
  const lines = linkVariables(
    '/web/my-db',
    { IPAddress: '172.17.0.5' },
    ['53/udp', '81/tcp', '80/tcp'],
    ['PATH=/bin', 'HOME=/', 'PASSWORD=a=b', 'BARE'],
  );
  assert.deepEqual(lines, [
    'MY_DB_PORT=tcp://172.17.0.5:80',
    'MY_DB_PORT_80_TCP=tcp://172.17.0.5:80',
    'MY_DB_PORT_80_TCP_ADDR=172.17.0.5',
    'MY_DB_PORT_80_TCP_PORT=80',
    'MY_DB_PORT_80_TCP_PROTO=tcp',
    'MY_DB_PORT_81_TCP=tcp://172.17.0.5:81',
    'MY_DB_PORT_81_TCP_ADDR=172.17.0.5',
    'MY_DB_PORT_81_TCP_PORT=81',
    'MY_DB_PORT_81_TCP_PROTO=tcp',
    'MY_DB_PORT_80_TCP_START=tcp://172.17.0.5:80',
    'MY_DB_PORT_80_TCP_PORT_START=80',
    'MY_DB_PORT_80_TCP_END=tcp://172.17.0.5:81',
    'MY_DB_PORT_80_TCP_PORT_END=81',
    'MY_DB_PORT_53_UDP=udp://172.17.0.5:53',
    'MY_DB_PORT_53_UDP_ADDR=172.17.0.5',
    'MY_DB_PORT_53_UDP_PORT=53',
    'MY_DB_PORT_53_UDP_PROTO=udp',
    'MY_DB_NAME=/web/my-db',
    'MY_DB_ENV_PASSWORD=a=b',
  ]);
  assert.deepEqual(linkVariables('/web/db', { IPAddress: '1.2.3.4' }, [], []), ['DB_NAME=/web/db']);
});
