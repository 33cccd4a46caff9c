/** Values of flags that are one word: sizes, spans of time, addresses. Pure; errors in docker's words. */
import { createFlags } from './flags.ts';

/** The value of one flag is wrong. The text names the flag as docker does. */
export class FlagError extends Error {
  constructor(value: string, flag: string, why: string) {
    super(`invalid argument ${JSON.stringify(value)} for "${spelling(flag)}" flag: ${why}`);
    this.name = 'FlagError';
  }
}

function spelling(name: string): string {
  const short = createFlags.find((flag) => flag.name === name)?.short;
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

/** Runs `parse` over a flag's value; what it throws becomes a FlagError. */
export function parseFlag<T>(flag: string, value: string, parse: (value: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    throw new FlagError(value, flag, error instanceof Error ? error.message : String(error));
  }
}

const UNITS = 'kmgtp';
const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i;

/** '512', '512b', '64k', '1.5g', '1GiB' → bytes, by powers of 1024. */
export function parseBytes(text: string): number {
  const match = SIZE.exec(text);
  if (match === null) throw new Error(`invalid size: '${text}'`);
  const power = UNITS.indexOf((match[2] ?? '').toLowerCase()) + (match[2] ? 1 : 0);
  const size = Math.trunc(Number(match[1]) * 1024 ** power);
  if (!Number.isSafeInteger(size)) throw new Error(`invalid size: '${text}'`);
  return size;
}

/** '-1' for no limit. */
export const parseSwap = (text: string): number => (text === '-1' ? -1 : parseBytes(text));

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's notation ('1m30s', '500ms', '-1.5h', '0') → nanoseconds. */
export function parseDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  if (rest === '') throw new Error(`time: invalid duration ${quoted}`);
  let total = 0;
  let at = 0;
  for (const part of rest.matchAll(/(\d+\.?\d*|\.\d+)([^\d.]*)/gy)) {
    const [whole, number = '', unit = ''] = part;
    const factor = DURATION_UNITS[unit];
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    if (factor === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    total += Number(number) * factor;
    at += whole.length;
  }
  if (at !== rest.length || !Number.isFinite(total)) throw new Error(`time: invalid duration ${quoted}`);
  return Math.trunc(sign === '-' ? -total : total);
}

/** '1.5' → 1,500,000,000; also a fraction ('3/2'), as Go's big.Rat reads it. */
export function parseCpus(text: string): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)(?:\/(\d+))?$/i.exec(text);
  const nano = match === null ? NaN : (Number(match[1]) / Number(match[2] ?? 1)) * 1e9;
  if (!Number.isFinite(nano)) throw new Error(`failed to parse ${text} as a rational number`);
  // 0.1 * 1e9 and the like are off by a bit of the last digit.
  const whole = Math.round(nano);
  if (Math.abs(nano - whole) > 1e-4) throw new Error('value is too precise');
  return whole;
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

export const isIpv4 = (text: string): boolean => IPV4.test(text);

/** RFC 4291 section 2.2, all three forms; no zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const words = half.split(':');
    for (const [at, word] of words.entries()) {
      const last = index === halves.length - 1 && at === words.length - 1;
      if (/^[0-9a-f]{1,4}$/i.test(word)) groups += 1;
      else if (last && isIpv4(word)) groups += 2;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

export const isIp = (text: string): boolean => isIpv4(text) || isIpv6(text);

/** Go's net.ParseMAC as far as Ethernet goes: '02:42:ac:11:00:02', with '-' too, or '0242.ac11.0002'. */
export const isMac = (text: string): boolean =>
  /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text) || /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/i.test(text);
