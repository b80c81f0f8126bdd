import type { TreePath } from "../../disk/tree-path.ts";
import type { MirrorNode } from "./mirror.ts";
import { NameWatch } from "./name-watch.ts";
import type { PinnedTree } from "./pinned-tree.ts";

/** The names that were touched in each watched directory. */
export type Touched = ReadonlyMap<MirrorNode, ReadonlySet<string>>;

/**
 * Knows which names in the directories of a view were touched since the last look, so that a
 * harvest need not look at all others.
 *
 * It is right as long as nothing that could have a file open or mapped lived at the last look.
 */
export class ViewWatch {
  readonly #view: PinnedTree;
  readonly #names: NameWatch<MirrorNode>;

  constructor(view: PinnedTree) {
    this.#view = view;
    // Writing by a memory map is told by nothing but the opening that comes before.
    this.#names = new NameWatch(
      ["modify", "attributes", "movedFrom", "movedTo", "open", "create", "delete"],
      (node) => {
        node.watchedIno = undefined;
      },
    );
  }

  /** Watches a directory from now on, where that is possible; the node says whether it is. */
  watch(path: TreePath, node: MirrorNode): void {
    if (node.isWatched) return;
    const place = (): string => this.#view.placeOf(path);
    const isWatched = this.#names.add(place, node, node.children.size);
    if (isWatched) node.watchedIno = node.ino;
  }

  /** Takes what the kernel has to tell, before its queue runs over. */
  drain(): void {
    this.#names.drain();
  }

  /** What was touched since the last time; `undefined` when that is not known. */
  take(): Touched | undefined {
    return this.#names.take();
  }

  close(): void {
    this.#names.close();
  }
}
