/** One call after the other, in their order; one that fails does not stop the next. */
export function serial(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (body) => {
    const result = last.then(body);
    last = result.catch(() => undefined);
    return result;
  };
}
