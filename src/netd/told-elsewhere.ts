/** Containers on other hosts, as the daemon has told of them: all of it is told to the next process when this one ends. */
import type { Attendant, NamesElsewhere } from '../network/attendant.ts';

type Change = Parameters<Attendant['changeElsewhere']>[0];

/** Of one message. The process answers questions of containers between two messages: some 5 ms each. */
const PORTION = 250;

/** A change in pieces that are carried out one after the other. */
export function portions({ put, drop }: Change): Change[] {
  const parts: Change[] = [];
  for (let at = 0; at < Math.max(put.length, drop.length); at += PORTION) {
    parts.push({ put: put.slice(at, at + PORTION), drop: drop.slice(at, at + PORTION) });
  }
  return parts;
}

export class ToldElsewhere {
  readonly #known = new Map<string, NamesElsewhere>();

  get size(): number {
    return this.#known.size;
  }

  change({ put, drop }: Change): void {
    for (const id of drop) this.#known.delete(id);
    for (const names of put) this.#known.set(names.id, names);
  }

  all(): Change {
    return { put: [...this.#known.values()], drop: [] };
  }
}
