import { childOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";

interface Move {
  readonly kind: string;
  readonly path: TreePath;
  readonly from?: TreePath;
}

/**
 * Where the nodes of a new tree lay in the old one. Paths of a change set are places of the new
 * tree, but `from`, which is one of the old tree; the two differ below a renamed directory only.
 */
export class OldPlaces {
  /** From new to old. */
  readonly #origins = new Map<TreePath, TreePath>();
  /** From old to new. */
  readonly #targets = new Map<TreePath, TreePath>();

  constructor(changes: Iterable<Move>) {
    for (const change of changes) {
      if (change.kind !== "rename" || change.from === undefined) continue;
      this.#origins.set(change.path, change.from);
      this.#targets.set(change.from, change.path);
    }
  }

  /**
   * Whether something of the old tree could be in the way of what is put at `path`: not where its
   * place was moved away, by itself or with a directory around it.
   */
  canBeTaken(path: TreePath): boolean {
    const place = this.placeOf(path);
    return !this.#targets.has(place) && this.shownAt(place) === path;
  }

  /** The place in the old tree of the node that the new tree shows at `path`. */
  originOf(path: TreePath): TreePath {
    return translate(this.#origins, path);
  }

  /**
   * The place in the old tree that corresponds to `path`: the same name in the directory that its
   * parent was. What is created at `path` is put there, what is replaced or deleted lies there.
   */
  placeOf(path: TreePath): TreePath {
    if (this.#origins.size === 0 || path === "") return path;
    return childOf(this.originOf(parentOf(path)), nameOf(path));
  }

  /** {@link placeOf} for a change, which may name its place itself. */
  placeOfChange(change: { readonly path: TreePath; readonly place?: TreePath }): TreePath {
    return change.place ?? this.placeOf(change.path);
  }

  /** Where the new tree would show what lies at `place`, did it not move by itself. */
  shownAt(place: TreePath): TreePath {
    if (this.#targets.size === 0 || place === "") return place;
    return childOf(this.shownIn(place), nameOf(place));
  }

  /** Where the new tree has the directory that `place` lies in. */
  shownIn(place: TreePath): TreePath {
    return translate(this.#targets, parentOf(place));
  }
}

function translate(moves: ReadonlyMap<TreePath, TreePath>, path: TreePath): TreePath {
  if (moves.size === 0) return path;
  for (let ancestor = path; ancestor !== ""; ancestor = parentOf(ancestor)) {
    const other = moves.get(ancestor);
    if (other !== undefined) return other + path.slice(ancestor.length);
  }
  return path;
}
