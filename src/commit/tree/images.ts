import type { Stamp } from "../../disk/stamp.ts";
import { type After, type Before, type NodeState, namesOf } from "../change-set/change-set.ts";
import type { ManifestAfter, ManifestFile, ManifestNode } from "../checkpoint/manifest.ts";
import type { Identity, NodeImage } from "../plan/step.ts";

/** How the bytes of a file are kept; see {@link ManifestFile.stored}. */
export type Stored = Pick<ManifestFile, "oid" | "stored">;

/** The image of a state; a file needs to be told how its bytes are kept. */
export function imageOf(state: NodeState, stored: Stored, ino?: bigint): NodeImage {
  return imageWith(identityOf(ino, 1), state, stored);
}

function imageWith(identity: Identity, state: NodeState, stored: Stored): NodeImage {
  const { uid, gid } = state;
  const mtimeNs = String(state.mtimeNs);
  switch (state.kind) {
    case "file": {
      const { mode, size } = state;
      const { oid, stored: place } = stored;
      return { kind: "file", mode, uid, gid, mtimeNs, size, oid, stored: place, ...identity };
    }
    case "directory":
      return { kind: "directory", mode: state.mode, uid, gid, mtimeNs, ...identity };
    case "symlink":
      return { kind: "symlink", mode: 0o777, uid, gid, mtimeNs, target: state.target, ...identity };
  }
}

/** The image of what lay on the disk. */
export function imageOfBefore(before: Before, stored: Stored): NodeImage {
  return imageWith(identityOf(before.stamp?.ino, namesOf(before)), before.state, stored);
}

function identityOf(inode: bigint | undefined, names: number): Identity {
  if (inode === undefined) return names === 1 ? {} : { names };
  const ino = String(inode);
  return names === 1 ? { ino } : { ino, names };
}

/** The image as the manifest keeps it for good: inode numbers mean nothing later. */
export function manifestNodeOf(image: NodeImage): ManifestNode {
  const { uid, gid, mtimeNs } = image;
  switch (image.kind) {
    case "file": {
      const { mode, size, oid, stored } = image;
      return { kind: "file", mode, uid, gid, mtimeNs, size, oid, stored };
    }
    case "directory":
      return { kind: "directory", mode: image.mode, uid, gid, mtimeNs };
    case "symlink":
      return { kind: "symlink", mode: image.mode, uid, gid, mtimeNs, target: image.target };
  }
}

/** The image of a new node as the manifest keeps it. */
export function manifestAfterOf(image: NodeImage, after: After): ManifestAfter {
  const { timesSet, linkGroup } = after;
  const group = linkGroup === undefined ? {} : { linkGroup };
  return Object.assign(manifestNodeOf(image), { timesSet }, group);
}

/** The state of a node on the disk, given its stamp and, for a link, its target. */
export function stateOf(stamp: Stamp, target: string | undefined): NodeState | undefined {
  const { uid, gid, mtimeNs, mode } = stamp;
  switch (stamp.kind) {
    case "file":
      return { kind: "file", mode, uid, gid, mtimeNs, size: stamp.size, oid: undefined };
    case "directory":
      return { kind: "directory", mode, uid, gid, mtimeNs };
    case "symlink":
      return { kind: "symlink", uid, gid, mtimeNs, target: target ?? "" };
    case "other":
      return undefined;
  }
}

/** How nodes without bytes are kept. */
export const notStored: Stored = { oid: "", stored: "unread" };
