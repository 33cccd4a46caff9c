/** A question put to several engines in the same run. */
import type { Figures } from '../stats.ts';
import type { Peer } from '../peers/peer.ts';

export interface Row {
  /** What was measured: 'run --rm busybox true, default bridge'. */
  what: string;
  unit: 'ms' | 'MB';
  /** Contender → figures. */
  figures: Record<string, Figures>;
  /** Stated limits, and whether this run kept them. */
  targets: { text: string; value: number; limit: number; met: boolean }[];
}

export interface SuiteContext {
  peers: readonly Peer[];
  /** How many measured rounds; suites with costly steps take a share of it. */
  rounds: number;
  say: (text: string) => void;
}

/** A stated limit and whether this run kept it. `value` is NaN where the peer is absent; such a target is left out. */
export function target(text: string, value: number, limit: number): Row['targets'] {
  return Number.isNaN(value) ? [] : [{ text, value, limit, met: value <= limit }];
}
