/** The smallest of many numbers, each held once; push and pop take logarithmic time. */
export class MinHeap {
  /** The children of index i are 2i + 1 and 2i + 2, neither smaller than it. */
  readonly #items: bigint[] = [];
  readonly #held = new Set<bigint>();

  push(value: bigint): void {
    if (this.#held.has(value)) return;
    this.#held.add(value);
    const items = this.#items;
    let index = items.push(value) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#at(parent) <= value) break;
      items[index] = this.#at(parent);
      index = parent;
    }
    items[index] = value;
  }

  pop(): bigint | undefined {
    const items = this.#items;
    const [smallest] = items;
    const last = items.pop();
    if (smallest === undefined || last === undefined) return undefined;
    this.#held.delete(smallest);
    if (items.length === 0) return smallest;
    let index = 0;
    for (let child = 1; child < items.length; child = 2 * index + 1) {
      if (child + 1 < items.length && this.#at(child + 1) < this.#at(child)) child++;
      if (this.#at(child) >= last) break;
      items[index] = this.#at(child);
      index = child;
    }
    items[index] = last;
    return smallest;
  }

  #at(index: number): bigint {
    const value = this.#items[index];
    if (value === undefined) throw new RangeError(`no item ${index}`);
    return value;
  }
}
