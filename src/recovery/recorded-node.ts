import type { ManifestNode } from "../commit/checkpoint/manifest.ts";
import type { NodeMeta } from "../overlay/pending/pending.ts";
import type { Stats } from "./places.ts";

/** Whether what was found has the mode and owner that a checkpoint has recorded. */
export function hasAttributes(found: Stats, recorded: ManifestNode): boolean {
  const { mode, uid, gid } = recorded;
  return (found.mode & 0o7777) === mode && found.uid === uid && found.gid === gid;
}

/** Whether two recorded nodes, or the want of one, hold the same. */
export function isSameContent(a: ManifestNode | undefined, b: ManifestNode | undefined): boolean {
  if (a?.kind === "file" && b?.kind === "file") return a.oid === b.oid && a.size === b.size;
  if (a?.kind === "symlink" && b?.kind === "symlink") return a.target === b.target;
  return a?.kind === b?.kind;
}

/** The attributes of a recorded node, as an overlay takes them. */
export function metaOf(node: ManifestNode): NodeMeta {
  const mtimeNs = BigInt(node.mtimeNs);
  return { mode: node.mode, uid: node.uid, gid: node.gid, atimeNs: mtimeNs, mtimeNs };
}
