/**
 * The pieces of a source until the signal stops it, also while the source lets wait for its next
 * piece.
 *
 * @param stopped makes the error that is thrown on the signal.
 */
export async function* stoppable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  stopped: () => Error,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let isLeftWaiting = false;
  // A listener for each piece: a promise that outlives them would gather a reaction for each.
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      const stop = () => {
        isLeftWaiting = true;
        reject(stopped());
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      const done = () => signal.removeEventListener("abort", stop);
      iterator.next().then(resolve, reject).finally(done);
    });
  try {
    for (let step = await next(); step.done !== true; step = await next()) yield step.value;
  } finally {
    const end = Promise.resolve(iterator.return?.());
    // A source that does not answer would not answer this either.
    if (isLeftWaiting) end.catch(() => undefined);
    else await end;
  }
}
