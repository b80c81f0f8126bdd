import type { Dirent } from "node:fs";
import { isAbsolute } from "node:path";
import { decodeName } from "../../disk/names.ts";
import { absoluteOf, childOf, parentOf, type TreePath, treePathOf } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import { globTest } from "../../overlay/path/glob-pattern.ts";
import { placeIn } from "../harvest/layer-view.ts";
import { lstatLower } from "../harvest/lower-view.ts";
import type { DeniedPath } from "./namespace-script.ts";
import { existingPaths, realPlace } from "./outside-globs.ts";

/** What globs forbid to read, as it is now. */
export interface Denials {
  /** What lies on the disk, by its real path. */
  readonly places: readonly DeniedPath[];
  /** Paths of the tree to which denied links lead. */
  readonly linked: readonly TreePath[];
  /** The globs that match nothing. */
  readonly idle: readonly string[];
}

/**
 * Which paths of the tree a command must not read: those that match, with all that lies below them.
 *
 * @param linked further paths, see {@link Denials}.
 */
export function deniedMatcher(
  root: string,
  globs: readonly string[],
  linked: readonly TreePath[] = [],
): (path: TreePath) => boolean {
  const tests = globs.map((glob) => testOf(root, glob));
  const exact = new Set(linked);
  return (path) => {
    for (let at = path; at !== ""; at = parentOf(at)) {
      if (exact.has(at) || tests.some((test) => test(at))) return true;
    }
    return false;
  };
}

/**
 * Finds the files and directories that globs forbid to read. Walks the tree when a glob is relative
 * to it; of links, what they lead to is denied.
 */
export function findDenied(layer: Layer, globs: readonly string[]): Denials {
  if (globs.length === 0) return { places: [], linked: [], idle: [] };
  return new DenialSearch(layer, globs).run();
}

class DenialSearch {
  readonly #layer: Layer;
  readonly #globs: readonly string[];
  readonly #tests: readonly ((path: TreePath) => boolean)[];
  readonly #places = new Map<string, DeniedPath>();
  readonly #linked = new Set<TreePath>();
  readonly #used = new Set<string>();

  constructor(layer: Layer, globs: readonly string[]) {
    this.#layer = layer;
    this.#globs = globs;
    this.#tests = globs.map((glob) => testOf(layer.root, glob));
  }

  run(): Denials {
    const { root } = this.#layer;
    for (const glob of this.#globs) {
      if (!isAbsolute(glob) || treePathOf(root, glob) !== undefined) continue;
      for (const path of existingPaths(glob)) {
        this.#used.add(glob);
        this.#denyReal(path);
      }
    }
    this.#visit("");
    const idle = this.#globs.filter((glob) => !this.#used.has(glob));
    return { places: [...this.#places.values()], linked: [...this.#linked], idle };
  }

  #visit(directory: TreePath): void {
    const { fs } = this.#layer;
    const options = { withFileTypes: true, encoding: "buffer" } as const;
    const entries = fs.readdirSync(placeIn(this.#layer, directory), options) as Dirent<Buffer>[];
    for (const entry of entries) {
      const path = childOf(directory, decodeName(entry.name));
      if (this.#matches(path)) this.#deny(path, entry);
      else if (entry.isDirectory()) this.#visit(path);
    }
  }

  #matches(path: TreePath): boolean {
    const matching = this.#globs.filter((_, index) => this.#tests[index]?.(path) === true);
    for (const glob of matching) this.#used.add(glob);
    return matching.length > 0;
  }

  #deny(path: TreePath, entry: Dirent<Buffer>): void {
    const { root } = this.#layer;
    const place = absoluteOf(root, path);
    const lower = lstatLower(root, path);
    if (entry.isSymbolicLink()) this.#denyReal(this.#resolve(path));
    // What lies in the layer only cannot be covered; it is not pushed at all.
    if (lower?.isSymbolicLink() === true) this.#denyReal(place);
    else if (lower !== undefined) {
      this.#add({ path: place, kind: lower.isDirectory() ? "directory" : "file" });
    }
  }

  #resolve(path: TreePath): string {
    const place = placeIn(this.#layer, path);
    try {
      return decodeName(this.#layer.fs.realpathSync(place, { encoding: "buffer" }) as Buffer);
    } catch {
      // It leads nowhere, or out of what the layer shows.
      return absoluteOf(this.#layer.root, path);
    }
  }

  #denyReal(path: string): void {
    const { root } = this.#layer;
    const real = realPlace(path);
    const inTree = treePathOf(root, real?.path ?? path);
    if (inTree !== undefined && inTree !== "") this.#linked.add(inTree);
    if (real !== undefined && inTree !== "") this.#add(real);
  }

  #add(place: DeniedPath): void {
    this.#places.set(place.path, place);
  }
}

function testOf(root: string, glob: string): (path: TreePath) => boolean {
  const relative = isAbsolute(glob) ? treePathOf(root, glob) : glob;
  return relative === undefined
    ? () => false
    : globTest(relative.replace(/^(\.\/+)+/, "").replace(/\/+$/, ""));
}
