import type { Trial } from "../harness/scenario.ts";

/** A call with arguments that its types do not have. */
export function ask(trial: Trial, name: string, ...input: unknown[]): unknown {
  const table = name.startsWith("promises.") ? trial.fs.promises : trial.fs;
  const call = (table as unknown as Record<string, unknown>)[name.replace("promises.", "")];
  return (call as (...all: unknown[]) => unknown)(...input);
}

/** Waits for the callback form of a call that is given more than the callback. */
export function answerOf(trial: Trial, name: string, ...input: unknown[]): Promise<unknown[]> {
  const { raw } = trial;
  const call = (raw as unknown as Record<string, unknown>)[name] as (...all: unknown[]) => void;
  return new Promise((resolve) => {
    const callback = (...results: unknown[]): void => resolve(results);
    try {
      call(...input.map((value) => (value === answer ? callback : value)));
    } catch (error) {
      resolve([error]);
    }
  });
}

/** Stands for the callback. */
export const answer = Symbol("callback");
