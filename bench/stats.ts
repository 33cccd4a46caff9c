/** Figures of a series of measurements, in the unit of the samples. */
export interface Figures {
  median: number;
  p95: number;
  p99: number;
  min: number;
  max: number;
  n: number;
}

export function figures(samples: readonly number[]): Figures {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), p99: at(0.99), min: at(0), max: at(1), n: sorted.length };
}

/** Milliseconds that `body` takes. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await body();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/**
 * Takes the samples of several contenders in turn (A B C A B C …), so that what else the machine does falls on all
 * alike. `warmUp` rounds are thrown away. `atMost`: contenders whose samples are so costly that they get that many rounds
 * and no warm-up.
 */
export async function interleaved(
  contenders: ReadonlyMap<string, () => Promise<number>>,
  rounds: number,
  warmUp = 1,
  atMost: Readonly<Record<string, number>> = {},
): Promise<Map<string, Figures>> {
  const samples = new Map([...contenders.keys()].map((name) => [name, [] as number[]]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, sample] of contenders) {
      if (round < 0 ? name in atMost : round >= (atMost[name] ?? rounds)) continue;
      const value = await sample();
      if (round >= 0) samples.get(name)?.push(value);
    }
  }
  return new Map([...samples].map(([name, values]) => [name, figures(values)]));
}
