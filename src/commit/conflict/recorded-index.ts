import type { TreePath } from "../../disk/tree-path.ts";
import { isSameIndex } from "../../objects/git-index.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { isIndexName } from "../patch/git-names.ts";

/**
 * Whether a file with other bytes than were recorded is an index of git that says the same: after
 * `git status` it does, and that is no change of the tree that anybody made.
 *
 * @param readBytes of what lies there now; called for an index only.
 */
export function isRecordedIndex(
  objects: ObjectStore,
  path: TreePath,
  recorded: ObjectId,
  readBytes: () => Uint8Array,
): boolean {
  if (!isIndexName(path) || recorded === "" || !objects.has(recorded)) return false;
  return isSameIndex(objects.read(recorded).bytes, readBytes());
}
