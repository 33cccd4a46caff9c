/** A process and those that it began, ended together. */
import { readFileSync, readdirSync } from 'node:fs';
import { type ProcessId, identify, isAlive, signalProcess } from './pidfd.ts';

const SIGKILL = 9;
/** Processes looked for, and threads of each: what multiplies faster than it can be counted is the matter of its control group. */
const LARGEST = 1000;

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .slice(0, LARGEST)
      .flatMap((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
      );
  } catch {
    // Gone, or going.
    return [];
  }
}

/** proc(5), stat: the fifth field, third after the command's name. */
function leadsGroup(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]) === pid;
  } catch {
    return false;
  }
}

/**
 * The process, its descendants, and what is in its process group: descendants whose parent is gone belong to it still. Those
 * that went into a session of their own and whose parents ended are out of reach.
 */
export function killTree(root: ProcessId): void {
  if (!isAlive(root)) return;
  const group = leadsGroup(root.pid);
  const tree: ProcessId[] = [root];
  for (const { pid } of tree) {
    if (tree.length >= LARGEST) break;
    const children = childrenOf(pid).slice(0, LARGEST - tree.length);
    tree.push(...children.flatMap((child) => identify(child) ?? []));
  }
  if (group) {
    try {
      process.kill(-root.pid, 'SIGKILL');
    } catch {
      // ESRCH: all of it has ended.
    }
  }
  for (const process of tree) signalProcess(process, SIGKILL);
}
