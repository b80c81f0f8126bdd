import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId, ObjectKind } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { emptyTreeOid, parseTree } from "../objects/tree.ts";

/** What {@link walkReachable} came across. */
export interface Reached {
  readonly oid: ObjectId;
  readonly kind: ObjectKind;
}

/**
 * Every object that some commits lead to: their trees and blobs, their parents and so on. Commits
 * in `boundary` count as having no parents. Blobs are not read.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING`, `DRAFT_STORE_CORRUPT` for what cannot be read.
 */
export function* walkReachable(
  store: ObjectStore,
  tips: Iterable<ObjectId>,
  boundary: ReadonlySet<ObjectId>,
): Generator<Reached> {
  const seen = new Set<ObjectId>();
  const pending: Reached[] = [];
  const add = (oid: ObjectId, kind: ObjectKind): void => {
    if (seen.has(oid)) return;
    seen.add(oid);
    pending.push({ oid, kind });
  };
  for (const tip of tips) add(tip, "commit");
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const { oid, kind } = next;
    if (kind === "commit") {
      const { tree, parents } = parseCommit(store.read(oid).bytes);
      add(tree, "tree");
      if (!boundary.has(oid)) for (const parent of parents) add(parent, "commit");
    } else if (kind === "tree" && (oid !== emptyTreeOid || store.has(oid))) {
      for (const entry of parseTree(store.read(oid).bytes).values()) {
        add(entry.oid, entry.mode === "40000" ? "tree" : "blob");
      }
    }
  }
}
