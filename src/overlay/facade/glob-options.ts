import type fs from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { compileGlob, type GlobSegment, globStar, matchesSegment } from "../path/glob-pattern.ts";

/** What `glob` is to find, and how. */
export interface GlobOptions {
  readonly cwd: string;
  readonly patterns: readonly GlobSegment[][];
  readonly withFileTypes: boolean;
  readonly followSymlinks: boolean;
  /** Whether patterns keep a path out; with a slash at its end, one that is to be entered. */
  readonly isExcluded: (path: string) => boolean;
  /** Whether a function says so of a directory by its path, or of an entry that `**` meets. */
  readonly refuses: (path: string, entry: fs.Dirent) => boolean;
}

/** @param root what a relative `cwd` is relative to. @throws {TypeError} Node's own. */
export function globOptionsOf(root: string, pattern: unknown, options: unknown): GlobOptions {
  check(pattern, options);
  const given = (options ?? {}) as Readonly<Record<string, unknown>>;
  const where = given["cwd"] instanceof URL ? fileURLToPath(given["cwd"]) : given["cwd"];
  const cwd = posix.resolve(root, (where ?? ".") as string);
  const texts = (Array.isArray(pattern) ? pattern : [pattern]) as string[];
  const withFileTypes = given["withFileTypes"] === true;
  const { exclude } = given;
  return {
    cwd,
    patterns: texts.flatMap((text) => compileGlob(text)).flatMap((one) => normalSegments(one)),
    withFileTypes,
    followSymlinks: nodeHabits.globFollowsLinks && given["followSymlinks"] === true,
    isExcluded: Array.isArray(exclude) ? exclusion(cwd, exclude as string[]) : () => false,
    refuses:
      typeof exclude === "function"
        ? (path, entry) => Boolean(exclude(withFileTypes ? entry : path))
        : () => false,
  };
}

/** Asks Node what it says of arguments that are not of the types it expects. */
function check(pattern: unknown, options: unknown): void {
  const isText = (value: unknown): boolean => typeof value === "string";
  const arePatterns = isText(pattern) || (Array.isArray(pattern) && pattern.every(isText));
  if (arePatterns && (options === undefined || isPlain(options))) return;
  // Nothing is there to be found, whatever is asked for.
  const harmless = (value: unknown): unknown => (isText(value) ? "x" : value);
  const patterns = Array.isArray(pattern) ? pattern.map(harmless) : harmless(pattern);
  const hasPlace = typeof options === "object" && options !== null;
  const { cwd } = (hasPlace ? options : {}) as { cwd?: unknown };
  const nowhere = isText(cwd) || cwd instanceof URL ? "/dev/null/nowhere" : cwd;
  const { globSync } = real as unknown as { globSync: (...input: unknown[]) => unknown };
  checkArguments(() => globSync(patterns, hasPlace ? { ...options, cwd: nowhere } : options));
}

function isPlain(options: unknown): boolean {
  if (typeof options !== "object" || options === null) return false;
  const { cwd, exclude, followSymlinks } = options as Readonly<Record<string, unknown>>;
  const hasExclusion = exclude !== undefined && exclude !== null && typeof exclude !== "function";
  const isPlace = cwd === undefined || cwd === null || typeof cwd === "string";
  return (
    (isPlace || cwd instanceof URL) &&
    (followSymlinks === undefined || typeof followSymlinks === "boolean") &&
    (!hasExclusion || (Array.isArray(exclude) && exclude.every((one) => typeof one === "string")))
  );
}

/**
 * A pattern without what leads nowhere: repeated slashes, and a name that `..` follows.
 *
 * @returns nothing for what names only the place itself, which Node does not find.
 */
function normalSegments(segments: readonly GlobSegment[]): GlobSegment[][] {
  const plain: GlobSegment[] = [];
  for (const [index, segment] of segments.entries()) {
    const isFirst = index === 0;
    if (segment === "" && !isFirst && index < segments.length - 1) continue;
    const last = plain.at(-1);
    const isNamed = last !== undefined && last !== "" && last !== "." && last !== "..";
    if (segment === ".." && isNamed && last !== globStar) plain.pop();
    else plain.push(segment);
  }
  const end = plain.at(-1);
  const isPlaceItself = plain.length < 2 && (end === undefined || end === "" || end === ".");
  const isDotBelow = end === "." && plain.at(-2) === globStar;
  return isPlaceItself || isDotBelow ? [] : [plain];
}

function exclusion(cwd: string, texts: readonly string[]): (path: string) => boolean {
  const patterns = texts.flatMap((text) => compileGlob(posix.resolve(cwd, text)));
  return (path) => {
    const names = posix.resolve(cwd, path).split("/");
    // A pattern for all that is in a directory excludes the directory as soon as it is entered.
    if (path.endsWith("/")) names.push("");
    return patterns.some((segments) => excludes(segments, names));
  };
}

/** Like `matchesGlob`, but `**` stands for no hidden name, and at the end for at least one name. */
function excludes(segments: readonly GlobSegment[], names: readonly string[]): boolean {
  const [segment, ...rest] = segments;
  if (segment === undefined) return names.length === 0;
  const [name, ...below] = names;
  if (segment !== globStar) {
    return name !== undefined && matchesSegment(segment, name) && excludes(rest, below);
  }
  if (rest.length > 0 && excludes(rest, names)) return true;
  if (name === undefined || name.startsWith(".")) return false;
  return (rest.length === 0 && below.length === 0) || excludes(segments, below);
}
