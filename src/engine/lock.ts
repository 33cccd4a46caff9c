/** One operation at a time, in the order asked. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve();

  async run<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(body);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
