/** The progress of pulls, pushes and loads as text: a line for each layer, redrawn in place on a terminal. Pure. */
import type { Json } from '../../model/json.ts';
import { harmless } from '../format/text.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** '1.234MB': powers of 1000, four digits. */
export function humanSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))}${UNITS[unit]}`;
}

/** Below this many columns a bar leaves no room for the rest. */
const BAR_COLUMNS = 110;
const BAR_WIDTH = 50;

/** '[=====>     ]  12.3MB/45MB' */
export function progressText(current: number, total: number, columns: number): string {
  if (current <= 0 && total <= 0) return '';
  if (total <= 0) return humanSize(current).padStart(8);
  let bar = '';
  if (columns > BAR_COLUMNS) {
    const full = Math.min(Math.floor((current / total) * BAR_WIDTH), BAR_WIDTH);
    bar = `[${'='.repeat(full)}>${' '.repeat(BAR_WIDTH - full)}]  `;
  }
  const numbers =
    current > total ? humanSize(current).padStart(8) : `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  return bar + numbers;
}

const ESCAPE = '\x1b[';
const CLEAR_LINE = `${ESCAPE}2K\r`;
const up = (lines: number): string => (lines > 0 ? `${ESCAPE}${lines}A` : '');
const down = (lines: number): string => (lines > 0 ? `${ESCAPE}${lines}B` : '');

const textOf = (value: unknown): string => (typeof value === 'string' ? harmless(value) : '');
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** An 'error' in the midst of a progress stream. */
export class ProgressError extends Error {}

export class ProgressView {
  readonly #terminal: boolean;
  readonly #columns: number;
  /** ID → its line, counted from the first. */
  #lines = new Map<string, number>();

  constructor(options: { terminal: boolean; columns: number }) {
    this.#terminal = options.terminal;
    this.#columns = options.columns;
  }

  /** What to print for one line of the stream; throws ProgressError for an error in it. */
  render(line: Json): string {
    const failure = errorText(line);
    if (failure !== undefined) throw new ProgressError(failure);
    const stream = textOf(line['stream']);
    if (stream !== '') {
      this.#lines.clear();
      return stream;
    }
    const detail = line['progressDetail'];
    const { current, total } = (typeof detail === 'object' && detail !== null ? detail : {}) as Json;
    const bar = progressText(numberOf(current), numberOf(total), this.#columns);
    const id = textOf(line['id']);
    const text = `${id === '' ? '' : `${id}: `}${textOf(line['status'])}`;
    // 'aux' carries data for programs.
    if (text === '') return '';
    if (!this.#terminal) return bar === '' ? `${text}\n` : '';
    if (detail === undefined || detail === null || id === '') {
      // Later progress must not be drawn above this line.
      this.#lines.clear();
      return `${text}\n`;
    }
    let start = '';
    let at = this.#lines.get(id);
    if (at === undefined) {
      at = this.#lines.size;
      this.#lines.set(id, at);
      start = '\n';
    }
    const distance = this.#lines.size - at;
    return `${start}${up(distance)}${CLEAR_LINE}${text}${bar === '' ? '' : ` ${bar}`}\r${down(distance)}`;
  }
}

function errorText(line: Json): string | undefined {
  const detail = line['errorDetail'];
  if (typeof detail === 'object' && detail !== null) {
    const { message } = detail as Json;
    if (typeof message === 'string' && message !== '') return message;
  }
  return typeof line['error'] === 'string' && line['error'] !== '' ? line['error'] : undefined;
}
