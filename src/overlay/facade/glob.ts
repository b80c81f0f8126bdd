import type fs from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { checkArguments, realFileSystem as real } from "../../disk/lower-classes.ts";
import type { Core } from "../core.ts";
import {
  compileGlob,
  type GlobSegment,
  globStar,
  matchesGlob,
  matchesSegment,
} from "../glob-pattern.ts";
import { optionsOf } from "./arguments.ts";
import { nextTurn } from "./asynchronous.ts";
import type { Calls } from "./calls.ts";

type Entry = fs.Dirent;
type Excludes = (path: string, entry: Entry) => boolean;

/** How many results are found between two looks at the event loop. */
const resultsPerTurn = 256;

/** `fs.globSync`. */
export function globSync(calls: Calls, core: Core, pattern: unknown, options?: unknown): unknown[] {
  return [...new GlobWalk(calls, core, pattern, optionsOf(options)).results()];
}

/** `fs.promises.glob`. */
export async function* globAsync(
  calls: Calls,
  core: Core,
  pattern: unknown,
  options?: unknown,
): AsyncGenerator<unknown> {
  let count = 0;
  for (const result of new GlobWalk(calls, core, pattern, optionsOf(options)).results()) {
    if (count++ % resultsPerTurn === 0) await nextTurn();
    yield result;
  }
}

/** A segment that a path below may still have to match. */
interface Frame {
  readonly segments: readonly GlobSegment[];
  readonly index: number;
}

class GlobWalk {
  readonly #calls: Calls;
  readonly #cwd: string;
  readonly #withFileTypes: boolean;
  readonly #followSymlinks: boolean;
  readonly #isExcluded: Excludes;
  readonly #patterns: readonly GlobSegment[][];
  readonly #found = new Map<string, Entry>();

  constructor(
    calls: Calls,
    core: Core,
    pattern: unknown,
    options: Readonly<Record<string, unknown>>,
  ) {
    const texts = Array.isArray(pattern) ? pattern : [pattern];
    if (!texts.every((text) => typeof text === "string")) refuseText(texts);
    this.#calls = calls;
    const cwd = options["cwd"] instanceof URL ? fileURLToPath(options["cwd"]) : options["cwd"];
    this.#cwd = posix.resolve(core.tree.rootPath, (cwd ?? ".") as string);
    this.#withFileTypes = options["withFileTypes"] === true;
    this.#followSymlinks = options["followSymlinks"] === true;
    this.#isExcluded = this.#exclusion(options["exclude"]);
    this.#patterns = texts.flatMap((text) => compileGlob(text as string));
  }

  /** Every match once. */
  *results(): Generator<string | Entry> {
    for (const segments of this.#patterns) {
      const isAbsolute = segments[0] === "" && segments.length > 1;
      const frames = [{ segments, index: isAbsolute ? 1 : 0 }];
      const start = isAbsolute ? "/" : ".";
      if (segments.length === 1 && segments[0] === globStar) this.#add(".", this.#entryOf("."));
      this.#visit(start, frames);
      for (const [path, entry] of this.#found) yield this.#withFileTypes ? entry : path;
      this.#found.clear();
    }
  }

  /** Matches what lies in the directory `path` against the segments that are due there. */
  #visit(path: string, frames: readonly Frame[]): void {
    const due = this.#withSkippedStars(frames);
    for (const { segments, index } of due) {
      const segment = segments[index];
      if (segment === "." || segment === "..") this.#visitDot(path, segment, { segments, index });
      else if (segment === "" && index === segments.length - 1)
        this.#add(path, this.#entryOf(path));
    }
    const names = due.map(({ segments, index }) => segments[index]);
    const isPlain = names.every((segment) => typeof segment === "string");
    const entries = isPlain
      ? [...new Set(names as string[])].flatMap(
          (name) => this.#entryOf(posix.join(path, name)) ?? [],
        )
      : this.#list(path);
    for (const entry of entries) this.#visitEntry(path, entry, due);
  }

  #visitDot(path: string, segment: string, { segments, index }: Frame): void {
    const next = posix.join(path, segment);
    if (index === segments.length - 1) this.#add(next, this.#entryOf(next));
    else this.#visit(next, [{ segments, index: index + 1 }]);
  }

  #visitEntry(path: string, entry: Entry, due: readonly Frame[]): void {
    const { name } = entry;
    const at = posix.join(path, name);
    if (name === "" || name === "." || name === "..") return;
    if (this.#isExcluded(at, entry)) return;
    const isDirectory = this.#isDirectory(at, entry);
    const below: Frame[] = [];
    for (const { segments, index } of due) {
      const segment = segments[index];
      const isLast = index === segments.length - 1;
      if (segment === globStar) {
        if (name.startsWith(".")) continue;
        if (isLast) this.#add(at, entry);
        if (isDirectory) below.push({ segments, index });
      } else if (segment !== undefined && matchesSegment(segment, name)) {
        if (isLast || this.#endsInStars(segments, index + 1)) this.#add(at, entry);
        if (!isLast && isDirectory) below.push({ segments, index: index + 1 });
      }
    }
    if (below.length > 0) this.#visit(at, below);
  }

  /** `a/**` matches `a` itself. */
  #endsInStars(segments: readonly GlobSegment[], from: number): boolean {
    return segments.slice(from).every((segment) => segment === globStar);
  }

  /** `**` also stands for no directory at all. */
  #withSkippedStars(frames: readonly Frame[]): Frame[] {
    const due = new Map<string, Frame>();
    for (const { segments, index } of frames) {
      for (let at = index; at < segments.length; at++) {
        due.set(`${this.#patterns.indexOf(segments as GlobSegment[])}:${at}`, {
          segments,
          index: at,
        });
        if (segments[at] !== globStar) break;
      }
    }
    return [...due.values()];
  }

  #add(path: string, entry: Entry | undefined): void {
    if (entry !== undefined && !this.#found.has(path)) this.#found.set(path, entry);
  }

  #isDirectory(path: string, entry: Entry): boolean {
    if (entry.isDirectory()) return true;
    if (!this.#followSymlinks || !entry.isSymbolicLink()) return false;
    const stats = this.#calls.stat(posix.resolve(this.#cwd, path), { throwIfNoEntry: false });
    return stats?.isDirectory() === true;
  }

  #list(path: string): Entry[] {
    try {
      const at = posix.resolve(this.#cwd, path);
      return this.#calls.readdir(at, { withFileTypes: true }) as Entry[];
    } catch {
      // What cannot be listed has no matches.
      return [];
    }
  }

  #entryOf(path: string): Entry | undefined {
    const at = posix.resolve(this.#cwd, path);
    try {
      const stats = this.#calls.lstat(at, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      return Object.assign(Object.create(stats), {
        name: posix.basename(at),
        parentPath: posix.dirname(at),
      }) as Entry;
    } catch {
      return undefined;
    }
  }

  #exclusion(exclude: unknown): Excludes {
    if (exclude === undefined || exclude === null) return () => false;
    if (typeof exclude === "function") {
      return (path, entry) => Boolean(exclude(this.#withFileTypes ? entry : path));
    }
    if (!Array.isArray(exclude)) refuseText([exclude]);
    const patterns = (exclude as string[]).flatMap((text) =>
      compileGlob(posix.resolve(this.#cwd, text)),
    );
    return (path) => {
      const components = posix.resolve(this.#cwd, path).split("/");
      return patterns.some((segments) => matchesGlob(segments, components));
    };
  }
}

function refuseText(values: readonly unknown[]): never {
  const wrong = values.find((value) => typeof value !== "string");
  checkArguments(() => real.readFileSync("/dev/null/nowhere", wrong as BufferEncoding));
  throw new TypeError('The "patterns" argument must be of type string or an array of strings');
}
