import { dirname, isAbsolute, resolve, sep } from "node:path";
import { treePathOf } from "../disk/tree-path.ts";
import type { EngineOverlay, EngineStats } from "./overlay-port.ts";

/** What makes `resolve` change a path: empty components, `.`, `..`, and a slash at the end. */
const unusual = /\/(?:\.{0,2}(?:\/|$))/;

/** The absolute path of `path`, which may be relative to the root of the overlay. */
export function absolutePathOf({ root }: EngineOverlay, path: string): string {
  const whole = isAbsolute(path) ? path : `${root}/${path}`;
  // Nearly every path is as it should be, and to see that takes a tenth of resolving it.
  return unusual.test(whole) || sep !== "/" ? resolve(root, path) : whole;
}

/** `path` as people read it: relative to the root where it lies below it. */
export function shownPathOf(overlay: EngineOverlay, path: string): string {
  const absolute = absolutePathOf(overlay, path);
  return treePathOf(overlay.root, absolute) ?? absolute;
}

/**
 * Paths that were named together, to tell when one lies inside another: then their order matters,
 * since the one has to be a file and the other needs a directory in its place.
 */
export class NestedPaths {
  readonly #paths = new Set<string>();
  readonly #ancestors = new Set<string>();
  /** Directories with none of the paths above them, or in their place. */
  readonly #free = new Set<string>();

  add(path: string): void {
    this.#paths.add(path);
    if (this.#free.has(path)) this.#free.clear();
    for (const ancestor of ancestorsOf(path)) {
      // What lies above it was added with it.
      if (this.#ancestors.has(ancestor)) break;
      this.#ancestors.add(ancestor);
    }
  }

  /** Whether a path that was added lies above or below `path`. */
  nests(path: string): boolean {
    if (this.#ancestors.has(path)) return true;
    const passed: string[] = [];
    for (const ancestor of ancestorsOf(path)) {
      // Files of one directory share all of their way up.
      if (this.#free.has(ancestor)) break;
      if (this.#paths.has(ancestor)) return true;
      passed.push(ancestor);
    }
    for (const ancestor of passed) this.#free.add(ancestor);
    return false;
  }
}

function* ancestorsOf(path: string): Generator<string> {
  for (let at = dirname(path), below = path; at !== below; below = at, at = dirname(at)) yield at;
}

/** The node at `path` itself, `undefined` when there is none. */
export function findNode(overlay: EngineOverlay, path: string): EngineStats | undefined {
  return absent(() => overlay.fs.lstatSync(path, { throwIfNoEntry: false }));
}

/** What `path` leads to, `undefined` when there is nothing. */
export function findTarget(overlay: EngineOverlay, path: string): EngineStats | undefined {
  return absent(() => overlay.fs.statSync(path, { throwIfNoEntry: false }));
}

/** The bytes of a file, `undefined` when there is no such file. Other failures are thrown. */
export function findBytes(overlay: EngineOverlay, path: string): Buffer | undefined {
  return absent(() => overlay.fs.readFileSync(path));
}

/** Node's error code of anything thrown. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function absent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
