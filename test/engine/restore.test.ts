/** berthd dies by SIGKILL; its successor finds containers, exit codes and rubbish. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { collect, isolate, makeEngine, type Rig } from './support.ts';

isolate();
const roots: string[] = [];
const makeRoot = (): string => {
  const root = mkdtempSync('/tmp/e-');
  roots.push(root);
  return root;
};

async function holder(root: string, script: string, delay = 0): Promise<ChildProcess> {
  const child = spawn(process.execPath, [new URL('holder.ts', import.meta.url).pathname, root, script, String(delay)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

const stateOf = async (rig: Rig, ref: string): Promise<Record<string, unknown>> =>
  ((await rig.engine.inspect(ref, { size: false })) as { State: Record<string, unknown> }).State;

function assertNothingLeft(root: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const groups = execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-path', `*${root.slice(4)}*`], {
    encoding: 'utf8',
  });
  const monitors = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  assert.deepEqual(
    [
      ...mounts.filter((line) => line.includes(root)),
      ...groups.split('\n').filter((line) => line !== ''),
      ...monitors.filter((line) => line.startsWith('/usr/bin/conmon') && line.includes(root)),
      ...['c', 'e', 'runtime'].flatMap((name) => readdirSync(`${root}/exec/${name}`)),
      ...readdirSync(`${root}/data/containers`),
    ],
    [],
  );
}

const force = { force: true, volumes: true, link: false };

void describe('after kill -9 of the daemon', () => {
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  });

  void test('what runs is taken over, what ended meanwhile has its exit code', async () => {
    const root = makeRoot();
    const child = await holder(root, 'several');
    const conmon = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
      .split('\n')
      .find((line) => line.includes(root) && line.includes(' -n killed '));
    child.kill('SIGKILL');
    await once(child, 'exit');
    process.kill(Number(conmon?.trim().split(' ')[0]), 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 900));
    const rig = await makeEngine(root);
    assert.equal((await stateOf(rig, 'never'))['Status'], 'created');
    const lives = await stateOf(rig, 'lives');
    assert.equal(lives['Status'], 'running');
    const ends = await stateOf(rig, 'ends');
    assert.deepEqual([ends['Status'], ends['ExitCode']], ['exited', 7]);
    const ran = Date.parse(String(ends['FinishedAt'])) - Date.parse(String(ends['StartedAt']));
    assert.ok(ran > 500 && ran < 900, `ran ${ran} ms`);
    await assert.rejects(async () => stateOf(rig, 'gone'), /No such container/);
    const killed = await stateOf(rig, 'killed');
    assert.deepEqual([killed['Status'], killed['ExitCode']], ['exited', 137]);
    assert.match(String(killed['Error']), /conmon\) was killed/);
    assert.equal((await stateOf(rig, 'again'))['Status'], 'running');
    assert.equal(rig.sandboxes.restored.length, 1);

    const session = await rig.engine.attach('lives', {
      stdin: true,
      stdout: true,
      stderr: true,
      logs: true,
      stream: true,
      detachKeys: '',
    });
    const output = collect(session);
    const { Id } = await rig.engine.execCreate('lives', {
      User: '',
      Privileged: false,
      Tty: false,
      AttachStdin: false,
      AttachStderr: true,
      AttachStdout: true,
      DetachKeys: '',
      Env: [],
      WorkingDir: '',
      Cmd: ['echo', 'exec works'],
    });
    const exec = await rig.engine.execStart(Id, { detach: false, tty: false });
    assert.ok(exec);
    assert.equal((await collect(exec)).out, 'exec works\n');
    await rig.engine.stop('lives', {});
    assert.equal((await output).out, 'up\n');
    assert.equal((await stateOf(rig, 'lives'))['ExitCode'], 4);
    await rig.engine.start('lives');
    for (const name of ['never', 'lives', 'ends', 'killed', 'again']) await rig.engine.remove(name, force);
    await rig.close();
    assertNothingLeft(root);
  });

  for (const delay of [15, 35, 55, 75, 95, 120, 140]) {
    void test(`${delay} ms into a loop of create, start, remove: nothing is left but records that can be removed`, async () => {
      const root = makeRoot();
      const child = await holder(root, 'loop', delay);
      await once(child, 'exit');
      // conmon may be about to make a container that nobody waits for.
      await new Promise((resolve) => setTimeout(resolve, 150));
      const rig = await makeEngine(root);
      for (const { Id } of await rig.engine.list({ all: true, limit: 0, size: false, filters: new Map() })) {
        await rig.engine.remove(String(Id), force);
      }
      await rig.close();
      assertNothingLeft(root);
    });
  }
});
