/** What `inspect` shows, as golden files: golden/*.json. UPDATE=1 in the environment writes them anew. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as option from '../drivers/bridge/options.ts';
import { World, creation, ipam, open, pool, request, settings } from './testing-world.ts';

const directory = new URL('./golden/', import.meta.url);

function golden(name: string, view: unknown): void {
  const file = new URL(`${name}.json`, directory);
  const text = `${JSON.stringify(view, null, 2)}\n`;
  if (process.env.UPDATE) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'), `${name}: run it with UPDATE=1 when the change is meant`);
}

void test('networks and a container on them', async () => {
  const world = new World();
  const { networks, sandboxes } = await world.started({ bip: '172.17.0.1/20' });
  const inspect = async (ref: string): Promise<unknown> => networks.inspect(ref, { verbose: true, scope: 'local' });
  const given = pool('172.17.16.0/24', {
    Gateway: '172.17.16.1',
    IPRange: '172.17.16.128/25',
    AuxiliaryAddresses: { router: '172.17.16.2' },
  });
  await networks.create(creation('bridge2', { IPAM: ipam(given), Labels: { tutorial: '2.1' } }));
  await networks.create(
    creation('six', { EnableIPv6: true, Internal: true, Attachable: true, Options: { [option.DRIVER_MTU]: '1400' } }),
  );
  await networks.create(creation('settings', { ConfigOnly: true, IPAM: ipam(pool('10.4.0.0/24')) }));
  await networks.create(creation('from', { ConfigFrom: { Network: 'settings' } }));
  await open(
    { sandboxes },
    {
      ...request('c1', { networkMode: 'bridge2' }),
      endpoints: {
        bridge2: settings({ IPAMConfig: { IPv4Address: '172.17.16.3' }, Aliases: ['web'], GwPriority: 1 }),
        six: settings({
          DriverOpts: { 'com.docker.network.endpoint.ifname': 'inner0' },
          MacAddress: '02:00:00:00:00:07',
        }),
      },
      exposed: ['80/tcp', '53/udp'],
      portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
    },
  );
  for (const name of ['bridge', 'host', 'none', 'bridge2', 'six', 'settings', 'from']) {
    golden(`network-${name}`, await inspect(name));
  }
  golden('network-list', networks.list(new Map([['name', ['bridge2']]])));
  golden('container', sandboxes.view('c1'));
});
