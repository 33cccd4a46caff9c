/** Structured logging: one event a line, `fields` are plain values; never put a secret (credentials, env values) in them. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
