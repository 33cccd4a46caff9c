/** The nearest of some names to one that was mistyped. Pure. */

/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** At most a third of the letters may be wrong, and two at most; undefined when nothing is that near. */
export function closest(word: string, names: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  let found: string | undefined;
  let best = Math.min(2, Math.floor((word.length + 1) / 3)) + 1;
  for (const name of names) {
    const d = distance(word, name);
    if (d < best) {
      best = d;
      found = name;
    }
  }
  return found;
}
