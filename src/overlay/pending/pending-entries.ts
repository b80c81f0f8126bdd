import { childOf, type TreePath } from "../../disk/tree-path.ts";
import type { FileContent } from "../content/file-content.ts";
import { outsideContent } from "../content/outside-content.ts";
import type { Core } from "../core.ts";
import { nanosecondsOf } from "../instant.ts";
import type { Dentry, DirectoryNode, Node } from "../node.ts";
import type { Tree } from "../tree.ts";
import type { Content, NodeMeta, Pending } from "./pending.ts";

/** All that the upper holds, in tree order; see {@link Pending}. */
export function* pendingEntries(core: Core): Generator<Pending> {
  const { root } = core.tree;
  if (isChanged(root)) {
    yield pendingOf(core, "", { node: root, base: root.origin, generation: root.generation });
  }
  yield* entriesOf(core, root, "");
}

/** Whether the root itself, which the upper always holds, is not what the lower has. */
function isChanged({ origin, timesSet, isOwnedAsBelow }: DirectoryNode): boolean {
  return origin !== undefined && (timesSet || !isOwnedAsBelow);
}

function* entriesOf(core: Core, directory: DirectoryNode, path: TreePath): Generator<Pending> {
  const { entries } = directory;
  if (entries === undefined) return;
  for (const name of [...entries.keys()].sort()) {
    const dentry = entries.get(name);
    if (dentry === undefined) continue;
    const at = childOf(path, name);
    yield pendingOf(core, at, dentry);
    if (dentry.node?.kind === "directory") yield* entriesOf(core, dentry.node, at);
  }
}

function pendingOf(core: Core, path: TreePath, dentry: Dentry): Pending {
  const { node, base } = dentry;
  if (node === undefined) {
    if (base === undefined) throw new Error(`whiteout of nothing at ${path}`);
    return { kind: "whiteout", path, base, generation: dentry.generation };
  }
  const common = {
    path,
    base,
    generation: Math.max(dentry.generation, node.generation),
    ino: BigInt(node.ino),
    meta: metaOf(node),
    origin: node.origin,
    timesSet: node.timesSet,
  };
  switch (node.kind) {
    case "file":
      return { kind: "file", ...common, nlink: node.nlink, content: contentOf(core, node.content) };
    case "symlink":
      return { kind: "symlink", ...common, target: node.target };
    case "other":
      return { kind: "other", ...common };
    case "directory":
      return {
        kind: "directory",
        ...common,
        ...shownLowerOf(core.tree, node, path, base !== undefined),
      };
  }
}

/** What shows through a directory of the upper; see {@link Pending}. */
export function shownLowerOf(
  tree: Tree,
  node: DirectoryNode,
  path: TreePath,
  hasBase: boolean,
): { opaque: boolean; redirect: TreePath | undefined } {
  if (node.lowerPath === undefined) return { opaque: hasBase, redirect: undefined };
  const shown = tree.treePathOfLower(node.lowerPath);
  return { opaque: false, redirect: shown === path ? undefined : shown };
}

function metaOf(node: Node): NodeMeta {
  return {
    mode: node.mode & 0o7777,
    uid: node.uid,
    gid: node.gid,
    atimeNs: nanosecondsOf(node.atime),
    mtimeNs: nanosecondsOf(node.mtime),
  };
}

function contentOf(core: Core, content: FileContent): Content {
  const { untouched } = content;
  if (untouched !== undefined) {
    const needed = untouched.lower ?? untouched.below;
    return needed === undefined ? untouched : outsideContent(untouched, needed);
  }
  const spilled = content.settleSpill(core.memory.place);
  const frozen = content.snapshot();
  const below = frozen.isCovered ? undefined : (frozen.below?.lower ?? frozen.below?.below);
  const handedOut: Content = {
    size: frozen.size,
    lower: undefined,
    below,
    spilled,
    read: (buffer, position) => frozen.read(buffer, position),
    dataRanges: () => frozen.dataRanges(),
  };
  return below === undefined ? handedOut : outsideContent(handedOut, below);
}
