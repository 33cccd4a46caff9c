/** The flags before the command. Pure. */
import type { Flag } from './command.ts';

export const DEFAULT_HOST = 'unix:///run/berth/berth.sock';

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];

export const globalFlags: readonly Flag[] = [
  { name: 'debug', short: 'D', type: 'bool', help: 'Enable debug mode: errors come with their stack' },
  {
    name: 'host',
    short: 'H',
    type: 'string',
    help: `Daemon socket to connect to (default $BERTH_HOST or "${DEFAULT_HOST}")`,
  },
  {
    name: 'log-level',
    short: 'l',
    type: 'string',
    default: 'info',
    help: `Set the logging level (${LEVELS.map((level) => `"${level}"`).join(', ')})`,
    complete: LEVELS,
  },
  { name: 'version', short: 'v', type: 'bool', help: 'Print version information and quit' },
];

export const isLevel = (text: string): boolean => LEVELS.includes(text);

/** As docker reads -H: a scheme may be left out. */
export function hostOf(given: string, env: NodeJS.ProcessEnv): string {
  const host = (given || env['BERTH_HOST'] || DEFAULT_HOST).trim();
  if (host.includes('://')) return host;
  return host.startsWith('/') ? `unix://${host}` : `tcp://${host}`;
}
