/** A question put to several engines in the same run. */
import type { Figures } from '../stats.ts';
import type { Peer } from '../peers/peer.ts';

export interface Row {
  /** What was measured: 'run --rm busybox true, default bridge'. */
  what: string;
  unit: 'ms' | 'µs' | 'MB' | 'Gbit/s' | 'queries/s' | 'endpoints';
  /** Contender → figures. */
  figures: Record<string, Figures>;
  /** Stated limits, and whether this run kept them. */
  targets: Target[];
  /** What a reader must know of this run to read the figures. */
  notes?: string[];
}

export interface Target {
  text: string;
  value: number;
  limit: number;
  /** The value must not be below the limit, instead of not above it. */
  least?: true;
  met: boolean;
}

export interface SuiteContext {
  peers: readonly Peer[];
  /** How many measured rounds; suites with costly steps take a share of it. */
  rounds: number;
  /** Small sizes, to see that everything runs. */
  quick: boolean;
  say: (text: string) => void;
}

/** A stated limit and whether this run kept it. `value` is NaN where the peer is absent; such a target is left out. */
export function target(text: string, value: number, limit: number): Target[] {
  return Number.isNaN(value) ? [] : [{ text, value, limit, met: value <= limit }];
}

/** The same for what must not be less. */
export function targetAtLeast(text: string, value: number, limit: number): Target[] {
  return Number.isNaN(value) ? [] : [{ text, value, limit, least: true, met: value >= limit }];
}
