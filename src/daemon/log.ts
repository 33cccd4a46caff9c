/**
 * The daemon's log: one event a line on stderr, as logfmt (dockerd's `text`) or JSON, times in UTC. What is logged is
 * named field by field; requests' bodies, environments and credentials never are.
 */
import { writeSync } from 'node:fs';
import type { LogFields, Logger, LogLevel } from '../log.ts';

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 };
const levelNames: Readonly<Record<LogLevel, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warning',
  error: 'error',
  fatal: 'fatal',
};

export interface DaemonLog extends Logger {
  setLevel(level: LogLevel): void;
  fatal(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  level: LogLevel;
  format: 'text' | 'json';
  /** Default: stderr. */
  write?: (line: string) => void;
  now?: () => Date;
}

export function createLog(options: LogOptions): DaemonLog {
  let least = ranks[options.level];
  const write = options.write ?? toStderr;
  const now = options.now ?? ((): Date => new Date());
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (ranks[level] < least) return;
      const event = { time: now().toISOString(), level: levelNames[level], msg: message, ...fields };
      write(`${options.format === 'json' ? json(event) : logfmt(event)}\n`);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    fatal: log('fatal'),
    setLevel(level) {
      least = ranks[level];
    },
  };
}

/** Synchronous, so that the last words of a dying process are not lost; a full pipe drops a line, not the daemon. */
function toStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nowhere left to say it.
  }
}

function logfmt(event: Readonly<Record<string, string | number | boolean | undefined>>): string {
  return Object.entries(event)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${quoted(String(value), key === 'msg')}`)
    .join(' ');
}

const quoted = (text: string, always: boolean): string => (always || !/^[\w./:@+,-]+$/.test(text) ? json(text) : text);

/**
 * JSON's escapes keep control characters and line ends out of the log; these are escaped beyond what it asks for: DEL and
 * C1 (U+009B begins a terminal's command as ESC [ does), and Unicode's own line ends.
 */
const json = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
