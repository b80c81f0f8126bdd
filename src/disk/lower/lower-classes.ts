import fs from "node:fs";

/**
 * The classes, constants and argument checks of `node:fs` that the overlay's façade shares with it:
 * `instanceof` holds for what it returns, and wrong arguments raise the very same errors.
 * Nothing here touches a tree of the user.
 */
export const constants = fs.constants;

export const Stats = fs.Stats;
export const Dirent = fs.Dirent;
export const Dir = fs.Dir;

/**
 * The symbols under which Node finds disposers; it invents them where the language has none yet.
 */
export const dirSymbols = {
  dispose: Symbol.dispose ?? Symbol.for("nodejs.dispose"),
  asyncDispose: Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose"),
};

/** The prototype of `BigIntStats`, which Node does not export. */
export const bigIntStatsPrototype: object = Object.getPrototypeOf(
  fs.lstatSync("/", { bigint: true }),
);

/**
 * Where the `Stats` of later releases keep the nanoseconds of their four times, in the order of
 * `atime`, `mtime`, `ctime`, `birthtime`; empty in releases that keep none.
 */
export const nanosecondKeys: readonly symbol[] = Object.getOwnPropertySymbols(fs.lstatSync("/"));

/** Later Nodes compute the dates of a `Stats` from its milliseconds when they are asked for. */
export const hasLazyDates = Object.hasOwn(Stats.prototype, "mtime");

/** The fields of a `Stats` while it is made. */
export interface StatsFields {
  dev: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  blksize: number;
  ino: number;
  size: number;
  blocks: number;
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  birthtimeMs: number;
  atime?: Date;
  mtime?: Date;
  ctime?: Date;
  birthtime?: Date;
}

/** Gives a `Stats` its dates, where this Node does not compute them later. */
export function giveDates(stats: StatsFields): void {
  if (hasLazyDates) return;
  stats.atime = dateOf(stats.atimeMs);
  stats.mtime = dateOf(stats.mtimeMs);
  stats.ctime = dateOf(stats.ctimeMs);
  stats.birthtime = dateOf(stats.birthtimeMs);
}

/** The date of a time in milliseconds as Node gives it: rounded to the nearest one. */
export function dateOf(milliseconds: number): Date {
  return new Date(Math.round(milliseconds));
}

/** `node:fs` itself, for descriptors that are not the overlay's and paths that a policy allows. */
export const realFileSystem = fs;

/**
 * A path at which every call fails after its arguments were checked and before it has an effect.
 */
const nowhere = "/dev/null/nowhere";

/**
 * Raises the error that Node raises for these arguments, if it finds them wrong.
 *
 * The real function is called on a path that cannot exist, so that only its checks take effect.
 * @param call gets that path and must pass it as every path argument that is valid.
 */
export function checkArguments(call: (path: string) => unknown): void {
  try {
    call(nowhere);
  } catch (error) {
    throwIfOfArguments(error);
  }
}

/** {@link checkArguments} for functions that return a promise. */
export async function checkArgumentsLater(call: (path: string) => Promise<unknown>): Promise<void> {
  try {
    await call(nowhere);
  } catch (error) {
    throwIfOfArguments(error);
  }
}

/**
 * The same for options alone, where what they are aborted by is told, and what reading them throws.
 */
export async function checkOptionsLater(call: (path: string) => Promise<unknown>): Promise<void> {
  try {
    await call(nowhere);
  } catch (error) {
    if (!isOfSystem(error)) throw error;
  }
}

/**
 * {@link checkOptionsLater} for callback forms, which throw some of that themselves.
 *
 * @returns what the callback is told, `undefined` when nothing is wrong.
 */
export function optionsRefusal(
  call: (path: string, callback: (error: unknown) => void) => void,
): Promise<unknown> {
  let tell: (refusal: unknown) => void = () => {};
  const told = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  call(nowhere, (error) => tell(isOfSystem(error) ? undefined : error));
  return told;
}

function isOfSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).errno !== undefined;
}

function throwIfOfArguments(error: unknown): void {
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && code.startsWith("ERR_")) throw error;
}
