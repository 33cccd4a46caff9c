/** Whose namespaces a container has: --ipc, --uts, --network host. */
import assert from 'node:assert/strict';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { BerthError } from '../../src/errors.ts';
import type { HostConfig } from '../../src/model/container.ts';
import { config, hostConfig, isolate, makeEngine, run, type Rig } from './support.ts';

isolate();
const root = mkdtempSync('/tmp/e-');
let rig: Rig;
const force = { force: true, volumes: true, link: false };

const show = async (host: Partial<HostConfig>, ...command: string[]): Promise<string> => {
  const { out, err, code } = await run(rig.engine, command, { host: { AutoRemove: true, ...host } });
  assert.deepEqual([err, code], ['', 0]);
  return out.trim();
};

const sleeper = async (host: Partial<HostConfig>): Promise<string> => {
  const { Id } = await rig.engine.create({
    name: undefined,
    config: config({ Cmd: ['sh', '-c', 'echo shared >/dev/shm/file; sleep 60'] }),
    hostConfig: hostConfig(host),
    networking: { EndpointsConfig: {} },
  });
  await rig.engine.start(Id);
  return Id;
};

void describe('namespaces', () => {
  before(async () => {
    rig = await makeEngine(root);
  });
  after(async () => {
    await rig.close();
    rmSync(root, { recursive: true, force: true });
  });

  void test('--ipc host, private, shareable, none', async () => {
    const ipc = ['readlink', '/proc/self/ns/ipc'];
    const own = readlinkSync('/proc/self/ns/ipc');
    assert.equal(await show({ IpcMode: 'host' }, ...ipc), own);
    for (const IpcMode of ['', 'private', 'shareable', 'none']) assert.notEqual(await show({ IpcMode }, ...ipc), own);
    const mounts = ['sh', '-c', 'mount | grep -cE " /dev/(shm|mqueue) "'];
    for (const IpcMode of ['host', 'private', 'shareable'])
      assert.equal(await show({ IpcMode }, ...mounts), '2', IpcMode);
    assert.equal(await show({ IpcMode: 'none' }, ...mounts), '1');
  });

  void test('--ipc container: shares memory with a container that offers it', async () => {
    const donor = await sleeper({ IpcMode: 'shareable' });
    const IpcMode = `container:${donor.slice(0, 12)}`;
    assert.equal(
      await show({ IpcMode }, 'sh', '-c', 'until cat /dev/shm/file 2>/dev/null; do sleep 0.01; done'),
      'shared',
    );
    await rig.engine.remove(donor, force);
    const closed = await sleeper({});
    await assert.rejects(
      show({ IpcMode: `container:${closed}` }, 'true'),
      (error: unknown) => error instanceof BerthError && /non-shareable IPC/.test(error.message),
    );
    await rig.engine.remove(closed, force);
  });

  void test("the host's name belongs to whoever shares the host's network or its UTS namespace", async () => {
    const names = ['sh', '-c', 'echo $HOSTNAME $(hostname) $(cat /etc/hostname)'];
    const own = hostname();
    assert.equal(await show({ NetworkMode: 'host' }, ...names), `${own} ${own} ${own}`);
    assert.equal(await show({ UTSMode: 'host' }, ...names), `${own} ${own} ${own}`);
    assert.match(await show({}, ...names), /^([0-9a-f]{12}) \1 \1$/);
  });
});
