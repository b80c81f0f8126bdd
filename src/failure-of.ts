/** What a promise was rejected with. */
export interface Failure {
  readonly error: unknown;
}

/** Whether a promise fails, as a value, so that it may be awaited later, or never, or again. */
export function failureOf(promise: Promise<unknown>): Promise<Failure | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
}

/** What a call has thrown, as a value. */
export function failureIn(attempt: () => void): Failure | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return { error };
  }
}
