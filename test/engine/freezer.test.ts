/** The freezers of both versions of control groups, each on the real kernel where it has them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { removeCgroup } from '../../src/linux/cgroup.ts';
import { hierarchies } from '../../src/linux/cgroup-hierarchies.ts';
import { freeze, isFrozen, thaw } from '../../src/linux/freezer.ts';
import { identify } from '../../src/linux/pidfd.ts';
import { killTree } from '../../src/linux/process-tree.ts';
import { until } from '../support/wait.ts';

/** Clock ticks of CPU (proc(5), stat fields 14 and 15). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

for (const version of [1, 2] as const) {
  const mount = hierarchies().find(
    (hierarchy) => hierarchy.version === version && (version === 2 || hierarchy.mount.endsWith('/freezer')),
  )?.mount;
  const skip = mount === undefined ? `this machine has no freezer of cgroup v${version}` : false;

  void test(
    `cgroup v${version}: a busy process stands still, goes on, and ends while it is frozen`,
    { skip },
    async (t) => {
      const path = `/b-freezer-${process.pid}-${version}`;
      mkdirSync(`${mount}${path}`);
      t.after(async () => removeCgroup(path));
      const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
      const pid = child.pid ?? 0;
      writeFileSync(`${mount}${path}/cgroup.procs`, String(pid));
      assert.equal(isFrozen(path), false);
      await until(() => cpuOf(pid) > 0, 10_000, 'a process that uses the CPU');
      await freeze(path);
      assert.equal(isFrozen(path), true);
      const before = cpuOf(pid);
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(cpuOf(pid), before);
      await freeze(path);
      thaw(path);
      thaw(path);
      assert.equal(isFrozen(path), false);
      await until(() => cpuOf(pid) > before, 10_000, 'the process to go on');
      await freeze(path);
      await removeCgroup(path);
      assert.equal(existsSync(`${mount}${path}`), false);
      await until(() => child.signalCode === 'SIGKILL', 10_000, 'the end of the process');
    },
  );
}

void test('without the group nothing is frozen, and nothing needs to be thawed', async () => {
  assert.equal(isFrozen('/b-no-such-group'), false);
  thaw('/b-no-such-group');
  await assert.rejects(freeze('/b-no-such-group'), /no freezer/);
});

void test('a tree of processes ends with its root, those without a parent among them', async () => {
  const script = 'sh -c "sleep 31340 & sleep 31341" & (sleep 31342 &) ; wait';
  const child = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
  const sleeping = (): string[] =>
    ['31340', '31341', '31342'].filter((number) => {
      const { stdout } = spawnSync('pgrep', ['-f', `^sleep ${number}$`], { encoding: 'utf8' });
      return stdout.trim() !== '';
    });
  await until(() => sleeping().length === 3, 10_000, 'three processes');
  const root = identify(child.pid ?? 0);
  assert.ok(root);
  killTree(root);
  await until(() => sleeping().length === 0, 10_000, 'the end of all');
  killTree(root);
});
