/** --device-read-bps and the like: '/dev/sda:1mb', '/dev/sda:1000', '/dev/sda:500'. Pure; errors in docker's words. */
import { parseBytes } from './values.ts';

function split(text: string): [path: string, value: string] {
  const at = text.indexOf(':');
  if (at <= 0) throw new Error(`bad format: ${text}`);
  const path = text.slice(0, at);
  if (!path.startsWith('/dev/')) throw new Error(`bad format for device path: ${text}`);
  return [path, text.slice(at + 1)];
}

const wrong = (text: string, form: string, more = ''): Error =>
  new Error(
    `invalid rate for device: ${text}. The correct format is ${form}. Number must be a positive integer${more}`,
  );

/** Bytes a second. */
export function parseBps(text: string): { Path: string; Rate: number } {
  const [Path, value] = split(text);
  try {
    return { Path, Rate: parseBytes(value) };
  } catch {
    throw wrong(text, '<device-path>:<number>[<unit>]', '. Unit is optional and can be kb, mb, or gb');
  }
}

/** Operations a second. */
export function parseIops(text: string): { Path: string; Rate: number } {
  const [Path, value] = split(text);
  if (!/^\d{1,15}$/.test(value)) throw wrong(text, '<device-path>:<number>');
  return { Path, Rate: Number(value) };
}

/** 10 to 1000, or 0 for none. */
export function parseWeight(text: string): { Path: string; Weight: number } {
  const [Path, value] = split(text);
  const Weight = /^\d{1,5}$/.test(value) ? Number(value) : -1;
  if (Weight !== 0 && (Weight < 10 || Weight > 1000)) throw new Error(`invalid weight for device: ${text}`);
  return { Path, Weight };
}
