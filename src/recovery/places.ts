import { encodePath } from "../disk/names.ts";
import { absoluteOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Layer, OverlayFs } from "../overlay/layer.ts";
import { divergenceError } from "./divergence.ts";

export type Stats = InstanceType<OverlayFs["Stats"]>;

/**
 * The places of a tree, by path. A place is reached through directories alone: what a link on the
 * way leads to lies at another place, and nothing at this one.
 */
export class Places {
  readonly #layer: Layer;
  /** Paths at which directories were found, and on the way to which there is no link. */
  readonly #directories = new Set<TreePath>([""]);

  constructor(layer: Layer) {
    this.#layer = layer;
  }

  at(path: TreePath): string | Buffer {
    return encodePath(absoluteOf(this.#layer.root, path));
  }

  find(path: TreePath): Stats | undefined {
    return this.#isInDirectories(path) ? this.#look(path) : undefined;
  }

  move(from: TreePath, to: TreePath): void {
    this.#layer.fs.renameSync(this.at(from), this.at(to));
    this.forget();
  }

  /**
   * Makes the directories on the way to a place that have gone.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` where something else lies in the place of one.
   */
  makeDirectoriesTo(path: TreePath): void {
    const parent = parentOf(path);
    if (this.#isInDirectories(path)) return;
    this.makeDirectoriesTo(parent);
    if (this.find(parent) !== undefined) {
      throw divergenceError([{ path: parent, reason: "retyped", recorded: undefined }]);
    }
    this.#layer.fs.mkdirSync(this.at(parent));
  }

  /** To be called when a link has come to a place. */
  forget(): void {
    this.#directories.clear();
    this.#directories.add("");
  }

  #isInDirectories(path: TreePath): boolean {
    const parent = parentOf(path);
    if (this.#directories.has(parent)) return true;
    if (!this.#isInDirectories(parent) || this.#look(parent)?.isDirectory() !== true) return false;
    this.#directories.add(parent);
    return true;
  }

  #look(path: TreePath): Stats | undefined {
    try {
      return this.#layer.fs.lstatSync(this.at(path), { throwIfNoEntry: false });
    } catch (error) {
      // A directory that was found here has given way to something else since.
      if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
      throw error;
    }
  }
}
