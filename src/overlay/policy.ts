import type { TreePath } from "../disk/tree-path.ts";
import { Fault } from "./file-system-error.ts";
import { compileGlob, type GlobSegment, matchesGlob, openPositions } from "./path/glob-pattern.ts";

/**
 * What code that uses the overlay may reach. Globs; each also covers everything below what it
 * matches.
 */
export interface PolicyOptions {
  /** Absolute paths outside of the root that may be read; none by default. */
  readonly allowRead?: readonly string[];
  /** Paths relative to the root that may not be read, nor looked at. */
  readonly denyRead?: readonly string[];
  /** Paths relative to the root that may not be changed. */
  readonly denyWrite?: readonly string[];
}

type Pattern = readonly GlobSegment[];

/**
 * The one gate in front of every path. A node is judged by the path that it is reached under and by
 * the one that it has in the lower: renaming a directory does not free what lies in it.
 */
export class Policy {
  readonly #allowRead: readonly Pattern[];
  readonly #denyRead: readonly Pattern[];
  readonly #denyWrite: readonly Pattern[];

  constructor(options: PolicyOptions = {}) {
    this.#allowRead = compile(options.allowRead);
    this.#denyRead = compile(options.denyRead);
    this.#denyWrite = compile(options.denyWrite);
  }

  /** Whether anything inside the root may not be read. */
  get restrictsReading(): boolean {
    return this.#denyRead.length > 0;
  }

  /** Whether anything inside the root may not be changed. */
  get restrictsWriting(): boolean {
    return this.#denyWrite.length > 0 || this.restrictsReading;
  }

  /** Whether a real absolute path outside of the root may be read. */
  allowsOutside(path: string): boolean {
    return covers(this.#allowRead, path.slice(1).split("/"));
  }

  /** @throws {Fault} `EACCES` when one of the paths of a node may not be read. */
  requireReadable(paths: readonly TreePath[]): void {
    if (paths.some((path) => covers(this.#denyRead, path.split("/")))) throw refusal("reading");
  }

  /** @throws {Fault} `EACCES` when one of the paths of a node may not be changed. */
  requireWritable(paths: readonly TreePath[]): void {
    this.requireReadable(paths);
    if (paths.some((path) => covers(this.#denyWrite, path.split("/")))) throw refusal("writing");
  }

  /**
   * @throws {Fault} `EACCES` when a directory that is known under `paths` could, as `target`, show
   *   something below it that may not be read or changed there now.
   */
  requireMovable(paths: readonly TreePath[], target: TreePath): void {
    const after = target.split("/");
    for (const pattern of [...this.#denyRead, ...this.#denyWrite]) {
      const kept = openPositions(pattern, after);
      for (const path of paths) {
        for (const position of openPositions(pattern, path.split("/"))) {
          if (!kept.has(position)) throw refusal("moving what lies below");
        }
      }
    }
  }
}

function compile(globs: readonly string[] = []): Pattern[] {
  return globs.flatMap((glob) => compileGlob(glob.replace(/^\/+|\/+$/g, "")));
}

/** Whether a pattern matches the path or one of the directories above it. */
function covers(patterns: readonly Pattern[], components: readonly string[]): boolean {
  return patterns.some((pattern) => {
    for (let length = 1; length <= components.length; length++) {
      if (matchesGlob(pattern, components.slice(0, length))) return true;
    }
    return false;
  });
}

function refusal(action: string): Fault {
  return new Fault("EACCES", {
    reason: `permission denied, the overlay's policy forbids ${action}`,
  });
}
