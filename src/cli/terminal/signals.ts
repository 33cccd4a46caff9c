/** Passes this process's signals on to a container (--sig-proxy). */
import type { ApiClient } from '../client.ts';

/** All that can be caught and mean something to another process; SIGCHLD, SIGPIPE and SIGWINCH are this process's own. */
const PROXIED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
] as const;

/** So many requests to end, and the client ends whatever the container does. */
const PATIENCE = 3;

export interface SignalProxy {
  /** The container runs now: what came before is sent. */
  started(): void;
  stop(): void;
}

export function proxySignals(client: ApiClient, id: string, onGiveUp: () => void): SignalProxy {
  let running = false;
  let ends = 0;
  const waiting: NodeJS.Signals[] = [];
  const send = (signal: NodeJS.Signals): void => {
    // A container that has ended in the meantime needs no signal.
    void client.json('POST', `/containers/${id}/kill`, { query: { signal } }).catch(() => undefined);
  };
  const take = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') {
      ends += 1;
      if (ends === PATIENCE) onGiveUp();
    }
    if (running) send(signal);
    else waiting.push(signal);
  };
  for (const signal of PROXIED) process.on(signal, take);
  return {
    started() {
      running = true;
      for (const signal of waiting.splice(0)) send(signal);
    },
    stop() {
      for (const signal of PROXIED) process.off(signal, take);
    },
  };
}
