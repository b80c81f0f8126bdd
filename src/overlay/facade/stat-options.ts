import { checkOptionsLater, realFileSystem as real } from "../../disk/lower/lower-classes.ts";

type Ask = (nowhere: string) => Promise<unknown>;

/**
 * What `look` tells, unless this Node refuses the options: later releases of 26 want an object, and
 * heed its `signal`, in the promise forms alone. It is asked afterwards, so that the look is taken
 * at once in any case, before anything that is called next.
 *
 * @param ask calls Node's own function with these arguments, at a path that leads nowhere.
 */
export function lookWith<T>(
  options: unknown,
  look: () => Promise<T>,
  ask: Ask = (nowhere) => real.promises.lstat(nowhere, options as object),
): Promise<T> {
  return isPlainForStat(options) ? look() : refusedLater(look, ask);
}

async function refusedLater<T>(look: () => Promise<T>, ask: Ask): Promise<T> {
  try {
    return await look();
  } finally {
    await checkOptionsLater(ask);
  }
}

/** Whether no release finds anything wrong. */
export function isPlainForStat(options: unknown): boolean {
  if (options === undefined) return true;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return false;
  return (options as { readonly signal?: unknown }).signal === undefined;
}
