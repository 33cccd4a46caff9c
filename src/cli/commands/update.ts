import type { Json } from '../../model/json.ts';
import type { Command, Flag, Values } from '../command.ts';
import { containerPath } from '../run/each.ts';
import { createFlags } from '../run/flags.ts';
import { parseRestart } from '../run/limits.ts';
import { daemonText } from '../run/report.ts';
import { parseBytes, parseCpus, parseFlag, parseSwap } from '../run/values.ts';
import { outputOf } from '../streams/output.ts';

/** What they share with `run` has its words and its type from there. */
const SHARED = [
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpus',
  'cpuset-cpus',
  'cpuset-mems',
  'memory',
  'memory-reservation',
  'memory-swap',
  'pids-limit',
];

/** Go's uint16. */
function checkWeight(text: string): void {
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 65_535) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
}

const own: readonly Flag[] = [
  {
    name: 'blkio-weight',
    type: 'int',
    placeholder: 'uint16',
    help: 'Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)',
    check: checkWeight,
  },
  { name: 'cpu-rt-period', type: 'int', help: 'Limit the CPU real-time period in microseconds' },
  { name: 'cpu-rt-runtime', type: 'int', help: 'Limit the CPU real-time runtime in microseconds' },
  { name: 'kernel-memory', type: 'string', help: 'Kernel memory limit (deprecated)', hidden: true },
  {
    name: 'restart',
    type: 'string',
    help: 'Restart policy to apply when a container exits',
    complete: ['no', 'always', 'unless-stopped', 'on-failure'],
  },
];

const flags = [...own, ...createFlags.filter(({ name }) => SHARED.includes(name))].toSorted((a, b) =>
  a.name < b.name ? -1 : 1,
);

function bodyOf(values: Values): Json {
  const number = (flag: string, parse: (text: string) => number): number =>
    values.string(flag) === '' ? 0 : parseFlag(flag, values.string(flag), parse);
  const pids = values.int('pids-limit');
  return {
    BlkioWeight: values.int('blkio-weight'),
    CpuPeriod: values.int('cpu-period'),
    CpuQuota: values.int('cpu-quota'),
    CpuRealtimePeriod: values.int('cpu-rt-period'),
    CpuRealtimeRuntime: values.int('cpu-rt-runtime'),
    CpuShares: values.int('cpu-shares'),
    CpusetCpus: values.string('cpuset-cpus'),
    CpusetMems: values.string('cpuset-mems'),
    Memory: number('memory', parseBytes),
    MemoryReservation: number('memory-reservation', parseBytes),
    MemorySwap: number('memory-swap', parseSwap),
    NanoCpus: number('cpus', parseCpus),
    PidsLimit: pids === 0 ? null : pids,
    RestartPolicy: parseRestart(values.string('restart')),
  };
}

export const command: Command = {
  path: 'update',
  aliases: ['container update'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Update configuration of one or more containers',
  flags,
  args: { min: 1 },
  complete: 'container',
  async run({ client, stdout, stderr }, values, args) {
    if (!flags.some(({ name }) => values.given(name))) {
      throw new Error('you must provide one or more flags when using this command');
    }
    const body = bodyOf(values);
    const warnings: string[] = [];
    const errors: string[] = [];
    for (const name of args) {
      try {
        const { Warnings } = await client.json<{ Warnings: string[] | null }>('POST', `${containerPath(name)}/update`, {
          body,
        });
        warnings.push(...(Warnings ?? []));
        await outputOf(stdout).write(`${name}\n`);
      } catch (error) {
        errors.push(daemonText(error));
      }
    }
    if (warnings.length > 0) await outputOf(stdout).write(`${warnings.join('\n')}\n`);
    if (errors.length > 0) await outputOf(stderr).write(`${errors.join('\n')}\n`);
    return errors.length > 0 ? 1 : 0;
  },
};
