/** One operation at a time, in the order asked. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether somebody waits for the operation that is under way. */
  get wanted(): boolean {
    return this.#waiting > 0;
  }

  async run<T>(body: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(() => {
      this.#waiting--;
      return body();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
