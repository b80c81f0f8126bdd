import type fs from "node:fs";
import { constants } from "node:os";
import { posix } from "node:path";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { kernelTimeOf } from "../../disk/node/node-time.ts";
import { changeMode, changeTimes } from "../calls/attributes.ts";
import { copyFile } from "../calls/copy-file.ts";
import { inspect, listDirectory, readLink } from "../calls/inspect.ts";
import { makeDirectory, makeSymlink, removeFile } from "../calls/name-changes.ts";
import type { Core } from "../core.ts";
import { codeOf, errorOfCall } from "../file-system-error.ts";
import { attempt } from "./attempt.ts";
import { type CopyRefusal, copyRefusal } from "./copy-refusal.ts";
import { makeDirectories } from "./make-directories.ts";
import { systemError } from "./system-error.ts";

const { errno } = constants;

/** Options of `cp`, checked already. */
type CopyOptions = Readonly<Record<string, unknown>>;

/** A question to the caller's filter. */
interface Question {
  readonly source: string;
  readonly target: string;
}

/** A copy in progress: it asks about every path and goes on with the answer. */
type Copying = Generator<Question, void, boolean>;

/** `fs.cpSync`. @throws `ERR_FS_CP_…`, `ERR_FS_EISDIR` and system errors as Node. */
export function copyTreeSync(core: Core, from: string, to: string, options: CopyOptions): void {
  const filter = options["filter"] as ((source: string, target: string) => unknown) | undefined;
  const copying = new TreeCopy(core, options, true).start(from, to);
  for (let step = copying.next(true); step.done !== true; ) {
    const { source, target } = step.value;
    const answer = filter === undefined ? true : filter(source, target);
    if (answer instanceof Promise) refusePromise();
    step = copying.next(Boolean(answer));
  }
}

/** `fs.promises.cp`: the filter may answer with a promise. */
export async function copyTree(
  core: Core,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const filter = options["filter"] as ((source: string, target: string) => unknown) | undefined;
  const copying = new TreeCopy(core, options, false).start(from, to);
  for (let step = copying.next(true); step.done !== true; ) {
    const { source, target } = step.value;
    const answer = filter === undefined ? true : await filter(source, target);
    step = copying.next(Boolean(answer));
  }
}

function refusePromise(): void {
  checkArguments(() =>
    real.cpSync("/dev", "/dev/null/x", { filter: (() => Promise.resolve(true)) as never }),
  );
}

class TreeCopy {
  readonly #core: Core;
  readonly #options: CopyOptions;
  readonly #follow: boolean;
  readonly #isSync: boolean;
  /** Whether files are copied by calls that do not keep their owner. */
  #isNative = false;

  constructor(core: Core, options: CopyOptions, isSync: boolean) {
    this.#isSync = isSync;
    this.#core = core;
    this.#options = options;
    this.#follow = options["dereference"] === true;
  }

  *start(source: string, target: string): Copying {
    if (!(yield { source, target })) return;
    const isPlain = this.#isSync && nodeHabits.copySyncRefusesPlainly;
    const existing = this.#check(source, target, isPlain);
    this.#checkParents(source, target, isPlain);
    if (isPlain && this.#options["recursive"] !== true && this.#isDirectory(source)) {
      this.#refuse("not recursive", source, target, isPlain);
    }
    const parent = posix.dirname(target);
    if (parent !== this.#core.tree.rootPath && !this.#exists(parent)) {
      makeDirectories(this.#core, parent, 0o777, this.#isSync ? "sync" : "later");
    }
    yield* this.#copy(source, target, existing);
  }

  *#item(source: string, target: string): Copying {
    if (!(yield { source, target })) return;
    yield* this.#copy(source, target, this.#check(source, target));
  }

  *#copy(source: string, target: string, existing: fs.BigIntStats | undefined): Copying {
    const stats = this.#stat(source, this.#follow);
    if (stats.isDirectory()) yield* this.#copyDirectory(source, target, stats, existing);
    else if (stats.isFile()) this.#copyFile(source, target, stats, existing);
    else if (stats.isSymbolicLink()) this.#copyLink(source, target, existing);
    else this.#refuseKind(stats, target);
  }

  *#copyDirectory(
    source: string,
    target: string,
    stats: fs.BigIntStats,
    existing: fs.BigIntStats | undefined,
  ): Copying {
    if (this.#options["recursive"] !== true) this.#refuse("not recursive", source, target);
    if (existing === undefined) {
      attempt("mkdir", target, undefined, () => makeDirectory(this.#core, target, 0o777));
    }
    // Where this is written in C++, it copies all below with calls of its own.
    const isAsked = this.#options["filter"] !== undefined;
    this.#isNative = this.#isSync && nodeHabits.copySyncRefusesPlainly && !isAsked;
    const entries = attempt("opendir", source, undefined, () => listDirectory(this.#core, source));
    for (const { name } of entries) {
      yield* this.#item(posix.join(source, name), posix.join(target, name));
    }
    if (existing === undefined) this.#setMode(target, Number(stats.mode));
    const keepsTimes = this.#options["preserveTimestamps"] === true;
    if (keepsTimes && nodeHabits.copyKeepsDirectoryTimes) this.#keepTimes(source, target);
  }

  #copyFile(
    source: string,
    target: string,
    stats: fs.BigIntStats,
    existing: fs.BigIntStats | undefined,
  ): void {
    if (existing !== undefined) {
      if (this.#options["force"] === false) {
        if (this.#options["errorOnExist"] !== true) return;
        throw systemError("ERR_FS_CP_EEXIST", {
          message: `${target} already exists`,
          path: target,
          syscall: "cp",
          errno: errno.EEXIST,
          code: "EEXIST",
        });
      }
      attempt("unlink", target, undefined, () => removeFile(this.#core, target));
    }
    const mode = (this.#options["mode"] ?? 0) as number;
    attempt("copyfile", source, target, () =>
      copyFile(this.#core, source, target, mode, !this.#isNative),
    );
    if (this.#options["preserveTimestamps"] === true) {
      const isExact = this.#isSync && nodeHabits.copySyncRefusesPlainly && existing !== undefined;
      this.#keepTimes(source, target, isExact);
    }
    this.#setMode(target, Number(stats.mode));
  }

  /**
   * Node passes the times through `Date`, which rounds them to milliseconds, but not where C++
   * copies over a file that exists.
   */
  #keepTimes(source: string, target: string, isExact = false): void {
    if (isExact) {
      const { atimeNs, mtimeNs } = this.#stat(source, true);
      this.#setTimes(target, secondsOf(atimeNs), secondsOf(mtimeNs));
      return;
    }
    const { atime, mtime } = attempt("stat", source, undefined, () =>
      inspect(this.#core, source, { follow: true, bigint: false }),
    ) as fs.Stats;
    this.#setTimes(target, atime.getTime() / 1000, mtime.getTime() / 1000);
  }

  #setTimes(target: string, atime: number, mtime: number): void {
    const times = { atime: kernelTimeOf(atime), mtime: kernelTimeOf(mtime), follow: true };
    attempt("utime", target, undefined, () => changeTimes(this.#core, target, times));
  }

  #setMode(target: string, mode: number): void {
    attempt("chmod", target, undefined, () => changeMode(this.#core, target, mode));
  }

  #copyLink(source: string, target: string, existing: fs.BigIntStats | undefined): void {
    let text = attempt("readlink", source, undefined, () => readLink(this.#core, source));
    if (this.#options["verbatimSymlinks"] !== true) text = this.#targetOf(source, text);
    if (existing !== undefined) {
      const present = this.#linkAt(target);
      if (present !== undefined) {
        this.#checkLinks(source, target, text, this.#targetOf(target, present));
        attempt("unlink", target, undefined, () => removeFile(this.#core, target));
      }
    }
    attempt("symlink", text, target, () => makeSymlink(this.#core, text, target));
  }

  #linkAt(path: string): string | undefined {
    try {
      return readLink(this.#core, path);
    } catch (caught) {
      if (codeOf(caught) === "EINVAL") return undefined;
      throw errorOfCall(caught, { syscall: "readlink", path });
    }
  }

  /** Where a link leads as Node tells it; an absolute text is left as it is. */
  #targetOf(link: string, text: string): string {
    return posix.isAbsolute(text) ? text : this.#absolute(posix.dirname(link), text);
  }

  #checkLinks(source: string, target: string, text: string, present: string): void {
    const mayReplace = nodeHabits.copyReplacesEqualLinks && !this.#leadsToDirectory(source);
    if (!mayReplace && this.#isBelow(text, present)) {
      throw systemError("ERR_FS_CP_EINVAL", {
        message: `cannot copy ${text} to a subdirectory of self ${present}`,
        path: target,
        syscall: "cp",
        errno: errno.EINVAL,
        code: "EINVAL",
      });
    }
    const isDirectory = this.#stat(this.#isSync ? target : source, true).isDirectory();
    if (isDirectory && this.#isBelow(present, text)) {
      throw systemError("ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY", {
        message: `cannot overwrite ${present} with ${text}`,
        path: target,
        syscall: "cp",
        errno: errno.EINVAL,
        code: "EINVAL",
      });
    }
  }

  /** Refuses what cannot be copied onto each other; returns what lies at the target. */
  #check(source: string, target: string, isPlain = false): fs.BigIntStats | undefined {
    const stats = this.#stat(source, this.#follow);
    // Where it is written in C++, the synchronous form does not mind a path through a file then.
    const isLenient = this.#follow && this.#isSync && nodeHabits.copySyncRefusesPlainly;
    const existing = isLenient ? this.#find(target, true) : this.#existing(target, this.#follow);
    if (existing !== undefined) {
      if (isSame(stats, existing)) this.#refuse("same", source, target, isPlain);
      if (stats.isDirectory() && !existing.isDirectory()) {
        this.#refuse("directory over", source, target, isPlain);
      }
      if (!stats.isDirectory() && existing.isDirectory()) {
        this.#refuse("over directory", source, target, isPlain);
      }
    }
    if (stats.isDirectory() && this.#isBelow(source, target)) {
      this.#refuse("below", source, target, isPlain);
    }
    return existing;
  }

  /** Refuses a target anywhere below the source, also by other names. */
  #checkParents(source: string, target: string, isPlain: boolean): void {
    const stats = this.#stat(source, this.#follow);
    if (!stats.isDirectory()) return;
    const end = this.#absolute("", posix.dirname(source));
    let parent = this.#absolute("", posix.dirname(target));
    // The refusal names what lies in the directory that is the source.
    let shown = target;
    const { rootPath } = this.#core.tree;
    while (parent !== end && parent !== posix.dirname(parent)) {
      const found = this.#find(parent, true);
      if (found === undefined) return;
      if (isSame(stats, found)) this.#refuse("below", source, isPlain ? target : shown, isPlain);
      if (parent === rootPath) return;
      shown = parent;
      parent = posix.dirname(parent);
    }
  }

  #refuse(kind: CopyRefusal, source: string, target: string, isPlain = false): never {
    const form = isPlain ? "plain" : this.#isSync ? "sync" : "async";
    throw copyRefusal(kind, { source, target, form });
  }

  #refuseKind(stats: fs.BigIntStats, target: string): never {
    const [code, what] = stats.isSocket()
      ? (["ERR_FS_CP_SOCKET", "a socket file"] as const)
      : stats.isFIFO()
        ? (["ERR_FS_CP_FIFO_PIPE", "a FIFO pipe"] as const)
        : (["ERR_FS_CP_UNKNOWN", "an unknown file type"] as const);
    throw systemError(code, {
      message: `cannot copy ${what}: ${target}`,
      path: target,
      syscall: "cp",
      errno: errno.EINVAL,
      code: "EINVAL",
    });
  }

  #stat(path: string, follow: boolean): fs.BigIntStats {
    const options = { follow, bigint: true };
    return attempt(follow ? "stat" : "lstat", path, undefined, () =>
      inspect(this.#core, path, options),
    ) as fs.BigIntStats;
  }

  #existing(path: string, follow: boolean): fs.BigIntStats | undefined {
    try {
      return this.#stat(path, follow);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** What also takes a path through a file for nothing. */
  #find(path: string, follow: boolean): fs.BigIntStats | undefined {
    try {
      return this.#existing(path, follow);
    } catch (error) {
      if (codeOf(error) === "ENOTDIR") return undefined;
      throw error;
    }
  }

  /** What cannot be looked at is no directory. */
  #leadsToDirectory(path: string): boolean {
    try {
      return this.#stat(path, true).isDirectory();
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return false;
    }
  }

  #isDirectory(source: string): boolean {
    return this.#stat(source, this.#follow).isDirectory();
  }

  #exists(path: string): boolean {
    return this.#find(path, true) !== undefined;
  }

  #absolute(directory: string, path: string): string {
    return posix.resolve(this.#core.tree.rootPath, directory, path);
  }

  #isBelow(ancestor: string, path: string): boolean {
    const above = this.#absolute("", ancestor);
    const below = this.#absolute("", path);
    return below === above || below.startsWith(`${above}/`);
  }
}

function isSame(left: fs.BigIntStats, right: fs.BigIntStats): boolean {
  return left.ino === right.ino && left.dev === right.dev;
}

function secondsOf(timeNs: bigint): number {
  return Number(timeNs / 1_000_000_000n) + Number(timeNs % 1_000_000_000n) / 1e9;
}
