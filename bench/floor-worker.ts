/** One line on standard input: one container's life with conmon and crun alone; 'done' on standard output. See floor.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { argumentsOf } from '../src/engine/process/monitor.ts';

const [execRoot = '', pattern = '', root = '', cgroup = ''] = process.argv.slice(2);
const spec = JSON.parse(readFileSync(`${execRoot}/c/${pattern}/config.json`, 'utf8')) as {
  process: { args: string[] };
  linux: { cgroupsPath: string };
};
spec.process.args = ['true'];
let count = 0;

async function oneLife(): Promise<void> {
  const id = `floor${count++}`;
  const bundle = `${root}/${id}`;
  mkdirSync(`${bundle}/x`, { recursive: true });
  spec.linux.cgroupsPath = `${cgroup}/${id}`;
  writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
  const ended = new Promise<void>((resolve) => {
    const watcher = watch(`${bundle}/x`, () => {
      if (!existsSync(`${bundle}/x/${id}`)) return;
      watcher.close();
      resolve();
    });
  });
  const state = `${root}/state`;
  const options = {
    conmon: 'conmon',
    runtime: '/usr/bin/crun',
    runtimeArgs: ['--root', state, '--cgroup-manager=cgroupfs'],
    containerId: id,
    unitId: id,
    name: id,
  };
  const child = spawn(
    'conmon',
    argumentsOf({
      ...options,
      bundle,
      exitDir: `${bundle}/x`,
      logPath: `${bundle}/log`,
      logSizeMax: undefined,
      tty: false,
      stdin: false,
      leaveStdinOpen: false,
    }),
    {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4' },
    },
  );
  (child.stdio[4] as Writable).end('\0');
  const [line] = (await once(child.stdio[3] as Readable, 'data')) as [Buffer];
  if (/"data": *-/.test(line.toString())) throw new Error(line.toString().trim());
  const fifo = `${state}/${id}/exec.fifo`;
  const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  unlinkSync(fifo);
  writeSync(fd, '\0');
  closeSync(fd);
  await ended;
  for (const stream of child.stdio) stream?.destroy();
  rmSync(`${state}/${id}`, { recursive: true, force: true });
  rmSync(bundle, { recursive: true, force: true });
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    const directory = `/sys/fs/cgroup/${hierarchy}${cgroup}/${id}`;
    if (!existsSync(directory)) continue;
    // The throw-away host has no cgroup2 mount: what crun makes there are plain directories and files.
    if (hierarchy === 'unified') rmSync(directory, { recursive: true });
    else rmdirSync(directory);
  }
}

for await (const _ of createInterface({ input: process.stdin })) {
  await oneLife().then(
    () => process.stdout.write('done\n'),
    (error: unknown) => process.stdout.write(`${String(error)}\n`),
  );
}
process.exit(0);
