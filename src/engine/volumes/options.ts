/** The local driver's options: what `volume create -o` takes, and the mount that they stand for. Pure, but for `addressOf`. */
import { invalidParameter } from '../../errors.ts';
import { MS_RDONLY } from '../../linux/libc.ts';
import { parseMountOptions } from '../../linux/mount-options.ts';

export type Options = Readonly<Record<string, string>>;

/** Each option, and those that it needs beside it. */
const NEEDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['device', ['type']],
  ['type', ['device']],
  ['o', ['device', 'type']],
  ['size', []],
]);

/** Throws InvalidParameter with dockerd's text. */
export function checkOptions(name: string, options: Options): void {
  const refuse = (what: string): never => {
    throw invalidParameter(`create ${name}: ${what}`);
  };
  for (const option of Object.keys(options)) {
    if (!NEEDS.has(option)) refuse(`invalid option: ${JSON.stringify(option)}`);
  }
  for (const [option, needs] of NEEDS) {
    if (!Object.hasOwn(options, option)) continue;
    const missing = needs.find((need) => !Object.hasOwn(options, need));
    if (missing !== undefined) refuse(`missing required option: ${JSON.stringify(missing)}`);
  }
  const { size } = options;
  if (size === undefined) return;
  const match = /^(\d+(?:\.\d+)?)\s*(?:[kmgtp]?(?:i?b)?)$/i.exec(size);
  if (match === null) refuse(`invalid size: '${size}'`);
  if (Number(match?.[1]) > 0) refuse('quota size requested but no quota support');
}

/** Whether the volume is mounted while it is used, or the plain directory that it mostly is. */
export const isMounted = (options: Options): boolean => Object.hasOwn(options, 'type');

/** Mounted read-only: the runtime has to be told, since crun (1.8.1) mounts a bind of it writable. */
export const isReadOnly = ({ o = '' }: Options): boolean => (parseMountOptions(o).flags & MS_RDONLY) !== 0;

export interface MountPlan {
  device: string;
  type: string;
  options: string;
}

const SERVER = /(?:^|,)addr=([^,]*)/;

/** The kernel takes a server by its address only; `addressOf` finds that of a name. */
export async function mountPlan(options: Options, addressOf: (name: string) => Promise<string>): Promise<MountPlan> {
  const { device = '', type = '', o = '' } = options;
  const server = ['nfs', 'cifs'].includes(type) ? SERVER.exec(o)?.[1] : undefined;
  const isAddress = server === undefined || server === '' || /^[\d.]+$|:/.test(server);
  const text = isAddress ? o : o.replace(`addr=${server}`, `addr=${await addressOf(server)}`);
  return { device, type, options: text };
}

/** A text that may go out: without the password of a share. */
export function withoutPassword(text: string, options: Options): string {
  const password = /(?:^|,)password=([^,]+)/.exec(options['o'] ?? '')?.[1];
  return password === undefined ? text : text.replaceAll(`password=${password}`, 'password=********');
}
