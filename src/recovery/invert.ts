import type { After, Aspect, Before, Change, NodeState } from "../commit/change-set/change-set.ts";
import type { ManifestChange, ManifestNode } from "../commit/checkpoint/manifest.ts";
import { Directories } from "../commit/tree/directories.ts";
import { absoluteOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import { type ContentSource, checkpointContent } from "./checkpoint-content.ts";

/**
 * Takes one operation back without looking at the disk: what it recorded of the state after becomes
 * the expectation, which the commit compares with the disk, and the state before becomes the goal.
 * Several times as fast as `Replay`, whose result it is.
 *
 * @returns `undefined` for an operation that moved something or changed its kind, and where
 *   something else lies in a directory that it made, or a directory has gone that something was
 *   removed from: that needs a look at the tree around it.
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when bytes that are needed were not kept.
 */
export function invertPlainChanges(
  source: ContentSource,
  changes: readonly ManifestChange[],
): Change[] | undefined {
  const inverse: Change[] = [];
  const made = new Map<TreePath, number>();
  for (const change of changes) {
    if (change.kind === "rename" || !isPlain(change)) return undefined;
    const { path } = change;
    if (change.kind === "create") {
      if (change.after.kind === "directory") made.set(path, 0);
      const siblings = made.get(parentOf(path));
      if (siblings !== undefined) made.set(parentOf(path), siblings + 1);
    }
    switch (change.kind) {
      case "create":
        inverse.push({ kind: "delete", path, before: beforeOf(change.after) });
        break;
      case "delete":
        inverse.push({ kind: "create", path, after: afterOf(source, change.before, true) });
        break;
      case "modify": {
        const { before, after, aspects } = change;
        inverse.push({
          kind: "modify",
          path,
          before: presentBeforeOf(source, path, after),
          after: afterOf(source, before, aspects.includes("content")),
          aspects: invertAspects(aspects),
        });
        break;
      }
    }
  }
  const isAsLeft = [...made].every(([path, count]) => holdsOnly(source, path, count));
  return isAsLeft && haveParents(source, inverse) ? inverse : undefined;
}

function haveParents({ disk, state }: ContentSource, inverse: readonly Change[]): boolean {
  using directories = new Directories(disk, state.root);
  const creations = inverse.filter(({ kind }) => kind === "create").map(({ path }) => path);
  const created = new Set(creations);
  return creations.every((path) => created.has(parentOf(path)) || directories.hasParent(path));
}

function holdsOnly({ disk, state }: ContentSource, directory: TreePath, count: number): boolean {
  const path = absoluteOf(state.root, directory);
  return disk.lstat(path)?.kind === "directory" && disk.readdir(path).length === count;
}

/** Files and directories whose bytes are known, at the same place before and after. */
function isPlain(change: Exclude<ManifestChange, { kind: "rename" }>): boolean {
  switch (change.kind) {
    case "create":
      return isKnown(change.after) && change.after.linkGroup === undefined;
    case "delete":
      return change.place === undefined && isKnown(change.before);
    case "modify": {
      const { before, after, aspects } = change;
      const isSamePlace = after.linkGroup === undefined && !aspects.includes("type");
      return isSamePlace && isKnown(before) && isKnown(after);
    }
  }
}

function isKnown(node: ManifestNode): boolean {
  return node.kind !== "file" || node.stored === "blob";
}

/** With new bytes a file gets its old time back as well. */
function invertAspects(aspects: readonly Aspect[]): readonly Aspect[] {
  const isTimed = aspects.includes("times") || !aspects.some((each) => timed.has(each));
  return isTimed ? aspects : [...aspects, "times"];
}

const timed: ReadonlySet<Aspect> = new Set<Aspect>(["content", "target"]);

function beforeOf(node: ManifestNode): Before {
  return { state: stateOf(node), stamp: undefined };
}

/** With the present stamp, which tells whether the file has other names to be kept. */
function presentBeforeOf(
  { disk, state }: ContentSource,
  path: TreePath,
  node: ManifestNode,
): Before {
  return { state: stateOf(node), stamp: disk.lstat(absoluteOf(state.root, path)) };
}

function afterOf(source: ContentSource, node: ManifestNode, hasContent: boolean): After {
  return {
    state: stateOf(node),
    content: node.kind === "file" && hasContent ? checkpointContent(source, node) : undefined,
    timesSet: true,
    linkGroup: undefined,
    sameNode: true,
  };
}

function stateOf(node: ManifestNode): NodeState {
  const { uid, gid } = node;
  const mtimeNs = BigInt(node.mtimeNs);
  switch (node.kind) {
    case "file":
      return { kind: "file", mode: node.mode, uid, gid, mtimeNs, size: node.size, oid: node.oid };
    case "directory":
      return { kind: "directory", mode: node.mode, uid, gid, mtimeNs };
    case "symlink":
      return { kind: "symlink", uid, gid, mtimeNs, target: node.target };
  }
}
