import { stampOf } from "../../disk/stamp.ts";
import { childOf, type TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { LowerNode, Pending } from "../../overlay/pending/pending.ts";
import { lstatLower, readLowerNames } from "./lower-view.ts";

/** A node of the lower that shows no more, or not as it was. */
export interface CoveredNode {
  readonly node: LowerNode;
  /** The path at which the layer covers it; `undefined` of what lies in a covered directory. */
  readonly at: TreePath | undefined;
}

/**
 * The files and links of the lower that a layer covers, by inode number: all that a command can
 * have renamed. In time proportional to what is pending; what lies in directories that are gone is
 * looked at when nothing else has the number.
 */
export class LowerPlaces {
  readonly #layer: Layer;
  /** `undefined` for a number that several have. */
  readonly #covered = new Map<bigint, CoveredNode | undefined>();
  #directories: TreePath[] = [];

  constructor(layer: Layer) {
    this.#layer = layer;
    const entries = [...layer.pending()];
    const moved = new Set(entries.map(redirectOf));
    for (const entry of entries) {
      const { base, path } = entry;
      if (base === undefined) continue;
      if (base.stamp.kind !== "directory") this.#add({ node: base, at: path });
      else if (isCovering(entry) && !moved.has(base.path)) this.#directories.push(base.path);
    }
  }

  /** The node with a number; `undefined` where there is none, or more than one. */
  find(ino: bigint): CoveredNode | undefined {
    if (!this.#covered.has(ino)) {
      for (const directory of this.#directories.splice(0)) this.#addChildren(directory);
    }
    return this.#covered.get(ino);
  }

  #add(covered: CoveredNode): void {
    const { path, stamp } = covered.node;
    const known = this.#covered.get(stamp.ino);
    if (known?.node.path === path) return;
    this.#covered.set(stamp.ino, this.#covered.has(stamp.ino) ? undefined : covered);
  }

  #addChildren(directory: TreePath): void {
    const { root } = this.#layer;
    for (const name of readLowerNames(root, directory) ?? []) {
      const path = childOf(directory, name);
      const found = lstatLower(root, path);
      if (found?.isDirectory() === true) this.#addChildren(path);
      else if (found !== undefined) {
        this.#add({ node: { path, stamp: stampOf(found) }, at: undefined });
      }
    }
  }
}

function redirectOf(entry: Pending): TreePath | undefined {
  return entry.kind === "directory" ? entry.redirect : undefined;
}

/** Whether nothing of the lower directory at the same place shows. */
function isCovering(entry: Pending): boolean {
  return entry.kind !== "directory" || entry.opaque || entry.redirect !== undefined;
}
