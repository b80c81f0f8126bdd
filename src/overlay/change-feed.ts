import type { DirectoryNode, Node } from "./node.ts";
import type { PathAfter } from "./open-places.ts";

/** Which inode a change is about. */
export interface Identity {
  readonly dev: number | bigint;
  readonly ino: number | bigint;
}

/** A change of the merged tree, as a watcher sees it. */
export interface TreeChange {
  /** `rename`: a name came or went. `change`: what it names was changed. */
  readonly kind: "rename" | "change";
  /** Whose watchers are told, and of which name in it. */
  readonly directory: DirectoryNode | undefined;
  readonly name: string;
  /** What changed itself: its own watchers are told too. */
  readonly node: Identity | undefined;
}

/** Whoever is told of changes. */
export interface Listener {
  tell(change: TreeChange): void;
  /**
   * Called before the tree forgets nodes, or directories move in the lower.
   * @returns a function that finds what is watched again.
   */
  leave(pathAfter: PathAfter): () => void;
}

/**
 * Tells watchers what changes in the overlay; costs one test per change while nobody watches. Which
 * changes are told to whom is what inotify does, as libuv passes it on.
 */
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

  /** Lets all find again what they watch, by calling what is returned. */
  leave(pathAfter: PathAfter): () => void {
    const returns = [...this.#listeners].map((listener) => listener.leave(pathAfter));
    return () => {
      for (const findAgain of returns) findAgain();
    };
  }

  /** A name came or went. */
  named(directory: DirectoryNode, name: string): void {
    this.#tell({ kind: "rename", directory, name, node: undefined });
  }

  /** Content, mode, owner or times of a node changed: told under the name that it got last. */
  changed(node: Node): void {
    // libuv takes every event of a directory for a rename.
    const kind = node.kind === "directory" ? "rename" : "change";
    this.#tell({ kind, directory: node.parent, name: node.name, node });
  }

  /** A file got or lost one of several names. */
  counted(node: Identity): void {
    this.#tell({ kind: "change", directory: undefined, name: "", node });
  }

  /** A node was moved, or its last name is gone. */
  moved(node: Identity): void {
    this.#tell({ kind: "rename", directory: undefined, name: "", node });
  }

  #tell(change: TreeChange): void {
    for (const listener of this.#listeners) listener.tell(change);
  }
}
