import { resolve } from "node:path";
import { treePathOf } from "../disk/tree-path.ts";
import type { EngineOverlay, EngineStats } from "./overlay-port.ts";

/** What makes `resolve` change a path: empty components, `.`, `..`, and a slash at the end. */
const unusual = /\/(?:\.{0,2}(?:\/|$))/;

/** Whether {@link unusual} has to be asked. */
function mayBeUnusual(path: string): boolean {
  return path.includes("/.") || path.includes("//") || path.endsWith("/");
}

/** The absolute path of `path`, which may be relative to the root of the overlay. */
export function absolutePathOf({ root }: EngineOverlay, path: string): string {
  const whole = path.startsWith("/") ? path : `${root}/${path}`;
  // Nearly every path is as it should be, and to see that takes a tenth of resolving it.
  return mayBeUnusual(whole) && unusual.test(whole) ? resolve(root, path) : whole;
}

/**
 * A path relative to the root, with nothing in it that `resolve` would change; `undefined` for one
 * that is not so plain, or leads elsewhere.
 */
export function plainPathOf({ root }: EngineOverlay, path: string): string | undefined {
  let relative = path;
  if (path.startsWith("/")) {
    if (!path.startsWith(root) || path[root.length] !== "/") return undefined;
    relative = path.slice(root.length + 1);
  }
  const mayBeElsewhere = relative === "" || relative.startsWith(".") || mayBeUnusual(relative);
  return mayBeElsewhere && unusual.test(`/${relative}`) ? undefined : relative;
}

/** What `dirname` gives for an absolute path without a slash at its end, in a tenth of the time. */
export function directoryOf(absolute: string): string {
  const slash = absolute.lastIndexOf("/");
  return slash > 0 ? absolute.slice(0, slash) : "/";
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
  #isAnyInside = false;

  /** Whether any of the paths that were added lies inside another. */
  get isAnyInside(): boolean {
    return this.#isAnyInside;
  }

  add(path: string): void {
    this.#paths.add(path);
    this.#isAnyInside ||= this.#ancestors.has(path);
    if (this.#free.has(path)) this.#free.clear();
    for (let below = path; below !== "/"; ) {
      below = directoryOf(below);
      // What lies above it was added with it.
      if (this.#ancestors.has(below)) break;
      this.#ancestors.add(below);
      this.#isAnyInside ||= this.#paths.has(below);
    }
  }

  /** Whether a path that was added lies above or below `path`. */
  nests(path: string): boolean {
    if (this.#ancestors.has(path)) return true;
    // Files of one directory share all of their way up.
    let free = path;
    do {
      if (free === "/") break;
      free = directoryOf(free);
      if (this.#paths.has(free)) return true;
    } while (!this.#free.has(free));
    for (let below = path; below !== free; ) {
      below = directoryOf(below);
      this.#free.add(below);
    }
    return false;
  }
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
