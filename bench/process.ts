/** Running programs and reading what the kernel says of them. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Runs to the end; returns standard output; throws with stderr's text when the exit code is not 0. */
export function run(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let text = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${argv.join(' ')}: exit ${code}\n${text}`)),
    );
  });
}

/** Resident memory in MB; pages shared between the processes are counted in each share's part (Pss, proc(5) smaps_rollup). */
export function proportionalMegabytes(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended between being listed and being read.
    }
  }
  return kilobytes / 1024;
}

/** Resident set size in MB (VmRSS, proc(5) status). */
export function residentMegabytes(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) {
    try {
      kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended between being listed and being read.
    }
  }
  return kilobytes / 1024;
}

/** Processes whose command line satisfies `matches`. */
export function pidsWhere(matches: (argv: string[]) => boolean): number[] {
  const pids: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (matches(readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0'))) pids.push(Number(entry));
    } catch {
      // It ended between being listed and being read.
    }
  }
  return pids;
}

/** Milliseconds of CPU that the processes called `name` in the PID namespace of process `pid` have used; to 10 ms (proc(5) stat). */
export function cpuMilliseconds(pid: number, name: string): number {
  const home = readlinkSync(`/proc/${pid}/ns/pid`);
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const [, comm, rest = ''] = /\((.*)\) (.*)$/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      if (comm !== name || readlinkSync(`/proc/${entry}/ns/pid`) !== home) continue;
      const columns = rest.split(' ');
      ticks += Number(columns[11]) + Number(columns[12]);
    } catch {
      // It ended between being listed and being read.
    }
  }
  // USER_HZ is 100 on every architecture that Node runs on.
  return ticks * 10;
}
