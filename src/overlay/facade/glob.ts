import type fs from "node:fs";
import { posix } from "node:path";
import { type GlobSegment, globStar, matchesSegment } from "../path/glob-pattern.ts";
import { nextTurn } from "./asynchronous.ts";
import type { Calls } from "./calls.ts";
import { type GlobOptions, globOptionsOf } from "./glob-options.ts";

type Entry = fs.Dirent;

/** How many results are found between two looks at the event loop. */
const resultsPerTurn = 256;

/** The calls that finding takes. */
export type GlobCalls = Pick<Calls, "lstat" | "nativeRealpath" | "readdir" | "stat">;

/** `fs.globSync` below a root. @throws {TypeError} Node's own. */
export function globSync(
  calls: GlobCalls,
  rootPath: string,
  pattern: unknown,
  options?: unknown,
): unknown[] {
  return [...new GlobWalk(calls, rootPath, globOptionsOf(rootPath, pattern, options)).results()];
}

/** `fs.promises.glob` below a root. */
export async function* globAsync(
  calls: GlobCalls,
  rootPath: string,
  pattern: unknown,
  options?: unknown,
): AsyncGenerator<unknown> {
  const walk = new GlobWalk(calls, rootPath, globOptionsOf(rootPath, pattern, options));
  let count = 0;
  for (const result of walk.results()) {
    if (count++ % resultsPerTurn === 0) await nextTurn();
    yield result;
  }
}

/** A segment that a path below may still have to match. */
interface Frame {
  readonly segments: readonly GlobSegment[];
  readonly index: number;
  /** Whether it is due here because `**` before it may stand for nothing. */
  readonly isAfterStar?: boolean;
}

class GlobWalk {
  readonly #calls: GlobCalls;
  readonly #rootPath: string;
  readonly #options: GlobOptions;
  readonly #found = new Map<string, Entry>();
  /** Real paths of the directories on the way to where the walk is, while links are followed. */
  readonly #entered = new Set<string>();

  constructor(calls: GlobCalls, rootPath: string, options: GlobOptions) {
    this.#calls = calls;
    this.#rootPath = rootPath;
    this.#options = options;
  }

  /** Every match once. */
  *results(): Generator<string | Entry> {
    const told = new Set<string>();
    for (const segments of this.#options.patterns) {
      const { path, index } = this.#startOf(segments);
      const isWhole = segments.every((segment) => segment === globStar || segment === ".");
      if (isWhole && segments.at(-1) === globStar) this.#add(".", this.#entryOf("."));
      const here = segments[0] === "." ? this.#entryOf(".") : undefined;
      if (here !== undefined && this.#options.refuses(".", here)) continue;
      this.#visit(path, [{ segments, index }]);
      for (const [at, entry] of this.#found) {
        if (told.has(at)) continue;
        told.add(at);
        yield this.#options.withFileTypes ? entry : at;
      }
      this.#found.clear();
    }
  }

  /** Where matching begins. What an absolute pattern names above the root cannot be looked at. */
  #startOf(segments: readonly GlobSegment[]): { path: string; index: number } {
    if (segments[0] !== "") return { path: ".", index: 0 };
    const names = this.#rootPath.split("/").filter((name) => name !== "");
    const isBelow = names.every((name, at) => segments[at + 1] === name);
    const isInside = isBelow && segments.length > names.length + 1;
    return isInside ? { path: this.#rootPath, index: names.length + 1 } : { path: "/", index: 1 };
  }

  /** Matches what lies in the directory `path` against the segments that are due there. */
  #visit(path: string, frames: readonly Frame[]): void {
    const due = this.#withSkippedStars(frames);
    const real = this.#options.followSymlinks ? this.#realPath(path) : undefined;
    // A link to a directory above is found as what it is, but would be entered for ever.
    if (real !== undefined && this.#entered.has(real)) this.#addIfWhole(path, due);
    else {
      if (real !== undefined) this.#entered.add(real);
      this.#match(path, due);
      if (real !== undefined) this.#entered.delete(real);
    }
  }

  /** A slash at the end of a pattern stands for the directory itself. */
  #addIfWhole(path: string, due: readonly Frame[]): void {
    const isWhole = ({ segments, index }: Frame): boolean =>
      segments[index] === "" && index === segments.length - 1;
    if (due.some(isWhole)) this.#add(path, this.#entryOf(path));
  }

  #match(path: string, due: readonly Frame[]): void {
    this.#addIfWhole(path, due);
    for (const { segments, index } of due) {
      const segment = segments[index];
      if (segment === "." || segment === "..") this.#matchDots(path, segment, { segments, index });
    }
    const names = due.map(({ segments, index }) => segments[index]);
    const isPlain = names.every((segment) => typeof segment === "string");
    const entries = isPlain
      ? [...new Set(names as string[])].flatMap(
          (name) => this.#entryOf(posix.join(path, name)) ?? [],
        )
      : this.#list(path);
    for (const entry of entries) this.#matchEntry(path, entry, due);
  }

  #matchDots(path: string, segment: string, { segments, index }: Frame): void {
    const next = posix.join(path, segment);
    const isLast = index === segments.length - 1;
    const isNamed = isLast || (segment === "." && this.#leadsNowhere(segments, index + 1));
    if (isNamed) this.#add(next, this.#entryOf(next));
    if (!isLast) this.#match(next, this.#withSkippedStars([{ segments, index: index + 1 }]));
  }

  #matchEntry(path: string, entry: Entry, due: readonly Frame[]): void {
    const { name } = entry;
    const at = posix.join(path, name);
    if (name === "" || name === "." || name === ".." || this.#options.isExcluded(at)) return;
    const isDirectory = this.#isDirectory(at, entry);
    const below: Frame[] = [];
    let isRefused: boolean | undefined;
    for (const { segments, index, isAfterStar } of due) {
      const segment = segments[index];
      const isStar = segment === globStar;
      if (segment === undefined || !(isStar ? isShown(name) : matchesSegment(segment, name))) {
        continue;
      }
      // What `**` meets is refused by its name, a directory below by its path.
      if (isStar || isAfterStar === true) isRefused ??= this.#options.refuses(name, entry);
      if (isRefused === true && (isStar || isAfterStar === true)) continue;
      // What is named is entered also where it is a link, wherever that leads.
      const isNamed = typeof segment === "string" && isAfterStar !== true;
      const isEntered = isDirectory || (isNamed && entry.isSymbolicLink());
      if (isEntered && isStar) below.push({ segments, index });
      else if (isEntered && index < segments.length - 1) below.push({ segments, index: index + 1 });
      else if (index === segments.length - 1) this.#add(at, entry);
      // As in Node, what is named may be a file there.
      else if (isNamed && this.#leadsNowhere(segments, index + 1)) {
        if (!this.#options.refuses(at, entry)) this.#add(at, entry);
      }
    }
    if (below.length > 0) this.#enter(at, entry, below);
  }

  #enter(path: string, entry: Entry, frames: readonly Frame[]): void {
    const isClosed = entry.isDirectory() && this.#options.isExcluded(`${path}/`);
    if (isClosed || this.#options.refuses(path, entry)) return;
    if (frames.some(({ segments, index }) => this.#endsInStars(segments, index))) {
      this.#add(path, entry);
    }
    this.#visit(path, frames);
  }

  /** `a/**` matches `a` itself. */
  #endsInStars(segments: readonly GlobSegment[], from: number): boolean {
    return segments.slice(from).every((segment) => segment === globStar);
  }

  /** `a/.` and `a/**` match what `a` is. */
  #leadsNowhere(segments: readonly GlobSegment[], from: number): boolean {
    let at = from;
    while (segments[at] === ".") at += 1;
    return this.#endsInStars(segments, at);
  }

  /** `**` also stands for no directory at all. */
  #withSkippedStars(frames: readonly Frame[]): Frame[] {
    const due = new Map<string, Frame>();
    const { patterns } = this.#options;
    for (const { segments, index } of frames) {
      for (let at = index; at < segments.length; at++) {
        const key = `${patterns.indexOf(segments as GlobSegment[])}:${at}`;
        const isAfterStar = at > index;
        // Due by itself as well: then it is not for the star to say.
        if (!isAfterStar || !due.has(key)) due.set(key, { segments, index: at, isAfterStar });
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
    if (!this.#options.followSymlinks || !entry.isSymbolicLink()) return false;
    try {
      return this.#calls.stat(this.#absolute(path))?.isDirectory() === true;
    } catch {
      // A link that leads nowhere, round in circles, or out of the root.
      return false;
    }
  }

  #realPath(path: string): string | undefined {
    try {
      return String(this.#calls.nativeRealpath(this.#absolute(path)));
    } catch {
      return undefined;
    }
  }

  #list(path: string): Entry[] {
    try {
      return this.#calls.readdir(this.#absolute(path), { withFileTypes: true }) as Entry[];
    } catch {
      // What cannot be listed has no matches.
      return [];
    }
  }

  #entryOf(path: string): Entry | undefined {
    const at = this.#absolute(path);
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

  #absolute(path: string): string {
    return posix.resolve(this.#options.cwd, path);
  }
}

/** `**` stands for no hidden name. */
function isShown(name: string): boolean {
  return !name.startsWith(".");
}
