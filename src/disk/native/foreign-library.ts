import { isWellFormed } from "../names.ts";

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
  /**
   * Where bytes lie, for a parameter that is a `uintptr_t`: handing them over themselves takes
   * 0.2 µs longer. Only of bytes that have memory of their own, and are kept.
   */
  addressOf(bytes: Uint8Array): unknown;
}

/** Names that are no UTF-8, and what would end a string of C too early. */
export function isUnspeakable(text: string): boolean {
  return !isWellFormed(text) || text.includes("\0");
}

/** The directory that relative paths start from, which ours do not. */
export const currentDirectory = -100;
/** `O_CLOEXEC`. */
export const closeOnExec = 0o2000000;
