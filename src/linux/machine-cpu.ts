/** CPU time that the whole machine has spent, and its memory (proc(5): stat, meminfo). */
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';

export interface MachineCpu {
  /** Nanoseconds of all CPUs together, idle ones included. */
  total: number;
  online: number;
}

const TICK = 1e9 / 100;
/** user, nice, system, idle, iowait, irq, softirq: what dockerd adds up. Guests' time is in user already. */
const COLUMNS = 7;

/** Pure. */
export function parseStat(text: string): MachineCpu {
  const [, columns = ''] = /^cpu +(.*)$/m.exec(text) ?? [];
  const ticks = columns.split(' ').slice(0, COLUMNS).map(Number);
  return {
    total: ticks.reduce((sum, value) => sum + value, 0) * TICK,
    online: text.match(/^cpu\d+ /gm)?.length ?? 0,
  };
}

export const readMachineCpu = async (): Promise<MachineCpu> => parseStat(await readFile('/proc/stat', 'utf8'));

/** Bytes. */
export const machineMemory = (): number => totalmem();
