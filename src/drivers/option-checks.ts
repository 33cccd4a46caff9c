/** Checks of options that several drivers have, in Docker's words: InvalidParameter. */
import { invalidParameter } from '../errors.ts';
import { isInterfaceName } from './names.ts';

export type Check = (name: string, value: string) => void;

/** The text that libnetwork has for nearly all of them. */
export function refuse(name: string, value: string, why: string): never {
  throw invalidParameter(`failed to parse ${name} value: ${value} (${why})`);
}

export const mtu: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    refuse(name, value, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  const bytes = Number(value);
  // 68 is the least that IPv4 carries (RFC 791), 65535 the most that a veth takes. 0 is no choice.
  if (bytes < 0 || (bytes > 0 && bytes < 68) || bytes > 65535) throw invalidParameter(`invalid MTU number: ${bytes}`);
};

/** A number is put behind it, and 15 bytes are the most that the kernel takes. */
export const prefix: Check = (name, value) => {
  if (value !== '' && (!isInterfaceName(`${value}0`) || value.length > 12))
    refuse(name, value, 'no beginning of a name');
};

/** Ranges as libnetwork's osl has them: RFC 5227 section 1.1 and RFC 4861 section 10 send at most three. */
export const announceCount: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    throw invalidParameter(`value for option ${name} ${JSON.stringify(value)} must be an integer`);
  }
  if (Number(value) < 0 || Number(value) > 3) throw invalidParameter(`${name} must be in the range 0 to 3`);
};

export const announceInterval: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    throw invalidParameter(`value for option ${name} ${JSON.stringify(value)} must be integer milliseconds`);
  }
  if (Number(value) < 100 || Number(value) > 2000) throw invalidParameter(`${name} must be in the range 100 to 2000`);
};

/** What Docker does not know it ignores, and so does this. */
export function checkEach(checks: ReadonlyMap<string, Check>, options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) checks.get(name)?.(name, value);
}
