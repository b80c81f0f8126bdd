import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId, ObjectKind } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { targetOfTag } from "../objects/tag-object.ts";
import { emptyTreeOid, linksOfTree } from "../objects/tree.ts";

/** What {@link walkReachable} came across. */
export interface Reached {
  readonly oid: ObjectId;
  readonly kind: ObjectKind;
}

/**
 * Every object that some others lead to, mostly commits: their trees and blobs, their parents and
 * so on. Commits in `boundary` count as having no parents. Blobs are not read.
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
  for (const tip of tips) add(tip, store.read(tip).kind);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const { oid, kind } = next;
    if (kind === "commit") {
      const { tree, parents } = parseCommit(store.read(oid).bytes);
      add(tree, "tree");
      if (!boundary.has(oid)) for (const parent of parents) add(parent, "commit");
    } else if (kind === "tree" && (oid !== emptyTreeOid || store.has(oid))) {
      for (const link of linksOfTree(store.read(oid).bytes)) add(link.oid, link.kind);
    } else if (kind === "tag") {
      const target = targetOfTag(store.read(oid).bytes);
      add(target.oid, target.kind);
    }
  }
}
