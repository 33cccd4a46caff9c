/** Processes held by file descriptor (pidfd_open(2)): no signal ever reaches a process that took over a dead one's number. */
import { readFileSync } from 'node:fs';
import { SysError, libc, pollReadable } from './libc.ts';

/** Start time in clock ticks since boot (proc(5), stat field 22), undefined when there is no such process or it is a zombie. */
export function startTimeOf(pid: number): string | undefined {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command name may hold anything, parentheses and spaces included: fields are counted from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** A process told from all others: its number and when it began. */
export interface ProcessId {
  pid: number;
  startTime: string;
}

export function identify(pid: number): ProcessId | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export const isAlive = ({ pid, startTime }: ProcessId): boolean => startTimeOf(pid) === startTime;

function open({ pid, startTime }: ProcessId): number | undefined {
  let fd;
  try {
    fd = libc.pidfdOpen(pid);
  } catch (error) {
    if (error instanceof SysError && error.code === 'ESRCH') return undefined;
    throw error;
  }
  // After the descriptor is there the number cannot go to another process unseen: this comparison settles whose it is.
  if (startTimeOf(pid) === startTime) return fd;
  libc.close(fd);
  return undefined;
}

/** False when the process is gone. */
export function signalProcess(process: ProcessId, signal: number): boolean {
  const fd = open(process);
  if (fd === undefined) return false;
  try {
    libc.pidfdSendSignal(fd, signal);
    return true;
  } catch (error) {
    if (error instanceof SysError && error.code === 'ESRCH') return false;
    throw error;
  } finally {
    libc.close(fd);
  }
}

/** Calls back once, in the event loop, when the process has ended; also when it had ended before. Keep the result reachable. */
export function watchExit(process: ProcessId, onExit: () => void): { close(): void } {
  const fd = open(process);
  if (fd === undefined) {
    const immediate = setImmediate(onExit);
    return { close: () => clearImmediate(immediate) };
  }
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    poll.close();
    libc.close(fd);
  };
  const poll = pollReadable(fd, () => {
    if (closed) return;
    close();
    onExit();
  });
  return { close };
}
