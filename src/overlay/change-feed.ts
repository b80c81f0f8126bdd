import type { DirectoryNode, Node } from "./node.ts";

/** A change of the merged tree, as a watcher sees it. */
export interface TreeChange {
  /** `rename`: a name came or went. `change`: what it names was changed. */
  readonly kind: "rename" | "change";
  readonly directory: DirectoryNode;
  readonly name: string;
}

type Listener = (change: TreeChange) => void;

/** Tells watchers what changes in the overlay; costs one test per change while nobody watches. */
export class ChangeFeed {
  readonly #listeners = new Set<Listener>();
  isWatched = false;

  /** @returns a function that ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.isWatched = true;
    return () => {
      this.#listeners.delete(listener);
      this.isWatched = this.#listeners.size > 0;
    };
  }

  /** A name came or went. */
  renamed(directory: DirectoryNode, name: string): void {
    this.#tell({ kind: "rename", directory, name });
  }

  /** A node was changed, under the name that it was last given. */
  changed(node: Node): void {
    const { parent, name } = node;
    if (parent !== undefined) this.#tell({ kind: "change", directory: parent, name });
  }

  #tell(change: TreeChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
