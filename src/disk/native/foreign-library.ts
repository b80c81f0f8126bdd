/** A function of the C library, as koffi gives it to us. */
export interface ForeignFunction {
  (...values: readonly unknown[]): number;
  async(...values: readonly unknown[]): void;
}

/** The C library of this process. */
export interface ForeignLibrary {
  /** Of the last call. */
  errno(): number;
  /** @param prototype in C. @returns `undefined` where the library has no such function. */
  find(prototype: string): ForeignFunction | undefined;
}

/** Names that are no UTF-8, and what would end a string of C too early. */
export function isUnspeakable(text: string): boolean {
  return unspeakable.test(text);
}

const unspeakable = /[\0\udc80-\udcff]/;

/** The directory that relative paths start from, which ours do not. */
export const currentDirectory = -100;
/** `O_CLOEXEC`. */
export const closeOnExec = 0o2000000;
