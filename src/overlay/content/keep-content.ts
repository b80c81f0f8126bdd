import { identityOf, type Stamp } from "../../disk/stamp.ts";
import { childOf, type TreePath } from "../../disk/tree-path.ts";
import type { Core } from "../core.ts";
import { codeOf } from "../file-system-error.ts";
import type { DirectoryNode, FileNode } from "../node.ts";
import { FileContent } from "./file-content.ts";

/**
 * Reads what files still share with files of the lower that a commit is about to replace or move:
 * copies that are not committed with them, and files that are open and have no name any more.
 *
 * @param replaced what the commit replaces, moves or deletes; looked at only if it matters.
 * @param settled the paths that it brings to the disk; all when `undefined`.
 */
export function keepContent(
  core: Core,
  replaced: () => Iterable<Stamp>,
  settled: ReadonlySet<TreePath> | undefined,
): void {
  const sharing = [...filesLeft(core, settled)].filter(({ content }) => content.below?.lower);
  if (sharing.length === 0) return;
  const gone = new Set<string>();
  for (const stamp of replaced()) gone.add(identityOf(stamp));
  for (const node of sharing) {
    const lower = node.content.below?.lower;
    if (lower !== undefined && gone.has(identityOf(lower.stamp))) takeWhole(core, node);
  }
}

/** Files whose content stays the overlay's own. */
function* filesLeft(core: Core, settled: ReadonlySet<TreePath> | undefined): Generator<FileNode> {
  for (const node of core.descriptors.nodes()) {
    if (node.kind === "file" && node.nlink === 0) yield node;
  }
  if (settled !== undefined) yield* filesBelow(core.tree.root, "", settled);
}

function* filesBelow(
  directory: DirectoryNode,
  path: TreePath,
  settled: ReadonlySet<TreePath>,
): Generator<FileNode> {
  for (const [name, { node }] of directory.entries ?? []) {
    const at = childOf(path, name);
    if (node?.kind === "directory") yield* filesBelow(node, at, settled);
    else if (node?.kind === "file" && !settled.has(at)) yield node;
  }
}

function takeWhole(core: Core, node: FileNode): void {
  try {
    node.content = FileContent.copyOf(node.content, core.memory.budget);
  } catch (caught) {
    // Changed by another program already: whoever reads the file is told so.
    if (codeOf(caught) === undefined) throw caught;
  }
}
