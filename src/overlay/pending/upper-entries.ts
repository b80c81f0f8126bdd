import { childOf, type TreePath } from "../../disk/tree-path.ts";
import type { Core } from "../core.ts";
import type { Dentry, DirectoryNode } from "../node.ts";
import type { Pending } from "./pending.ts";
import { shownLowerOf } from "./pending-entries.ts";

/** One name in the upper, by what costs nothing to tell: of a file nothing is handed out. */
export interface UpperEntry {
  readonly path: TreePath;
  readonly kind: Pending["kind"];
  /** The last change of the name, or of the node that it names. */
  readonly generation: number;
  /** The last change of the node itself, the same by all of its names. */
  readonly nodeGeneration: number;
  readonly nlink: number;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Where in the lower the node was before it was copied up or moved. */
  readonly origin: TreePath | undefined;
  /** The lower directory that shows through when it is not the one at `path`. */
  readonly redirect: TreePath | undefined;
  /** What the upper holds in a directory. */
  readonly names: Iterable<string>;
}

/** What the upper holds at a path; of the root nothing. */
export function upperEntryAt(core: Core, path: TreePath): UpperEntry | undefined {
  let dentry: Dentry | undefined;
  let directory: DirectoryNode | undefined = core.tree.root;
  for (const name of path.split("/")) {
    dentry = directory?.entries?.get(name);
    directory = dentry?.node?.kind === "directory" ? dentry.node : undefined;
  }
  return dentry === undefined ? undefined : entryOf(core, path, dentry);
}

/**
 * What the upper holds and did not hold in the same way at a generation: names that came or whose
 * nodes were changed, all that lies in a directory that came, and directories from which names
 * went. One look at each name decides. Rolling back to a savepoint is not seen.
 */
export function* upperEntriesSince(core: Core, since: number): Generator<UpperEntry> {
  const { root } = core.tree;
  if (since < 0 || root.generation > since) {
    yield entryOf(core, "", { node: root, base: undefined, generation: root.generation });
  }
  yield* newerIn({ core, since }, { directory: root, path: "", hasCome: since < 0 });
}

function* newerIn(
  look: { readonly core: Core; readonly since: number },
  place: { readonly directory: DirectoryNode; readonly path: TreePath; readonly hasCome: boolean },
): Generator<UpperEntry> {
  const { core, since } = look;
  for (const [name, dentry] of place.directory.entries ?? []) {
    const { node } = dentry;
    const hasCome = place.hasCome || dentry.generation > since;
    const isNewer = hasCome || (node !== undefined && node.generation > since);
    if (!isNewer && node?.kind !== "directory") continue;
    const path = childOf(place.path, name);
    if (isNewer) yield entryOf(core, path, dentry);
    if (node?.kind === "directory") yield* newerIn(look, { directory: node, path, hasCome });
  }
}

function entryOf(core: Core, path: TreePath, { node, base, generation }: Dentry): UpperEntry {
  const isDirectory = node?.kind === "directory";
  const nodeGeneration = node?.generation ?? 0;
  return {
    path,
    kind: node?.kind ?? "whiteout",
    generation: Math.max(generation, nodeGeneration),
    nodeGeneration,
    nlink: node?.nlink ?? 0,
    owner: { uid: node?.uid ?? 0, gid: node?.gid ?? 0 },
    origin: node?.origin?.path,
    redirect: isDirectory
      ? shownLowerOf(core.tree, node, path, base !== undefined).redirect
      : undefined,
    names: isDirectory ? (node.entries?.keys() ?? []) : [],
  };
}
