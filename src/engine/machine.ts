/** What limits and settings of containers are checked against: this machine, looked at once. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { arch } from 'node:process';
import { hierarchies } from '../linux/cgroup-hierarchies.ts';
import type { Context } from './context.ts';
import type { Machine } from './host-config.ts';

let machine: Machine | undefined;

export function thisMachine(context: Context): Machine {
  const has = (file: string): boolean => hierarchies().some(({ mount }) => existsSync(`${mount}/${file}`));
  machine ??= {
    cpus: cpus().length,
    memoryNodes: highestNode(),
    swapLimit: context.cgroupV2 || has('memory.memsw.limit_in_bytes'),
    blkioWeight: context.cgroupV2 || has('blkio.weight') || has('blkio.bfq.weight'),
    blkioThrottle: context.cgroupV2 || has('blkio.throttle.read_bps_device'),
    realtime: has('cpu.rt_runtime_us'),
    runtimes: ['crun', 'runc', 'io.containerd.runc.v2', context.settings.runtime],
    architecture: arch,
  };
  return machine;
}

/** '0' or '0-3': the kernel's list ends with the highest. */
function highestNode(): number {
  try {
    return Number(/\d+$/.exec(readFileSync('/sys/devices/system/node/online', 'utf8').trim())?.[0] ?? 0) + 1;
  } catch {
    return 1;
  }
}
