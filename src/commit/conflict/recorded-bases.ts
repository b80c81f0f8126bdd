import type { TreePath } from "../../disk/tree-path.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { FileState } from "../change-set/change-set.ts";
import type { ManifestNode } from "../checkpoint/manifest.ts";
import { checkpoints } from "../checkpoint/operation-log.ts";

/**
 * The contents that checkpoints have kept, by what a draft knows of a file that it is based on: its
 * path, size and modification time. For the base of a merge alone, which nothing is overwritten by.
 */
export class RecordedBases {
  readonly #objects: ObjectStore;
  #oids: Map<string, ObjectId | undefined> | undefined;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** `undefined` when no checkpoint has it, or when several have something else of that time. */
  find(path: TreePath, { size, mtimeNs }: FileState): ObjectId | undefined {
    // Whole seconds were set, as by npm and tar: two versions of a file may have the same.
    if (mtimeNs % 1_000_000_000n === 0n) return undefined;
    this.#oids ??= this.#index();
    return this.#oids.get(keyOf(path, size, mtimeNs));
  }

  #index(): Map<string, ObjectId | undefined> {
    const oids = new Map<string, ObjectId | undefined>();
    const note = (path: TreePath, node: ManifestNode | null): void => {
      if (node?.kind !== "file" || node.stored !== "blob") return;
      const key = keyOf(path, node.size, BigInt(node.mtimeNs));
      const isOther = oids.has(key) && oids.get(key) !== node.oid;
      oids.set(key, isOther ? undefined : node.oid);
    };
    for (const { manifest } of checkpoints(this.#objects)) {
      for (const change of manifest.changes) {
        if (change.kind === "rename") {
          note(change.from, change.before);
          note(change.path, change.replaced);
        } else if (change.kind === "modify") note(change.path, change.before);
        else if (change.kind === "delete") note(change.place ?? change.path, change.before);
        if (change.kind !== "delete") note(change.path, change.after);
      }
    }
    return oids;
  }
}

/** Times that a commit has set have microseconds. */
function keyOf(path: TreePath, size: number, mtimeNs: bigint): string {
  return `${size}:${mtimeNs / 1000n}:${path}`;
}
