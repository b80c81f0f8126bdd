import type { Lower } from "../disk/lower.ts";
import { constants } from "../disk/lower-classes.ts";
import { stampOf } from "../disk/stamp.ts";
import { absoluteOf } from "../disk/tree-path.ts";
import { Descriptors, type OpenFile } from "./descriptors.ts";
import { FileContent } from "./file-content.ts";
import { Fault } from "./file-system-error.ts";
import { LowerFile } from "./lower-file.ts";
import { FileNode, type Node, otherNode, SymlinkNode } from "./node.ts";
import {
  type ExistingPlace,
  exists,
  type Following,
  isDirectory,
  PathWalk,
  type Place,
} from "./path-walk.ts";
import type { LowerNode } from "./pending.ts";
import { identityOf, Tree, takeMetadata } from "./tree.ts";

/** What the operations of an overlay share: its tree, its path lookup and its descriptors. */
export class Core {
  readonly tree: Tree;
  readonly lower: Lower;
  readonly descriptors: Descriptors;
  readonly #walk: PathWalk;

  constructor(lower: Lower, root: string) {
    this.lower = lower;
    this.tree = new Tree(lower, root);
    this.#walk = new PathWalk(this.tree);
    this.descriptors = new Descriptors(lower);
    this.tree.onAttach = (directory, stamp) => this.descriptors.switchTo(directory, stamp);
  }

  /**
   * Where a path leads inside the root.
   *
   * @throws {Fault} what the lookup meets; `EACCES` when the path leaves the root.
   */
  resolve(path: string, follow: Following): Place {
    const place = this.#walk.walk(path, follow);
    if (!("outside" in place)) return place;
    throw new Fault("EACCES", { reason: "permission denied, the path leaves the overlay's root" });
  }

  /**
   * Like {@link resolve}, for paths that must lead to something.
   *
   * @throws {Fault} also `ENOENT`, and `ENOTDIR` for a file named with a trailing slash.
   */
  resolveExisting(path: string, follow: boolean): ExistingPlace {
    const place = this.resolve(path, follow ? "always" : "before slash");
    if (!exists(place)) throw new Fault("ENOENT");
    if (place.trailingSlash && !isDirectory(place)) throw new Fault("ENOTDIR");
    return place;
  }

  /** Takes what lies at a place into the upper, before it is changed. Its metadata stays. */
  copyUp(place: ExistingPlace): Node {
    const { found, directory, name } = place;
    if (found.kind === "upper") return found.node;
    if (found.stats.isDirectory()) {
      const node = this.tree.passThrough(directory, name, found.path);
      this.tree.attach(node);
      return node;
    }
    const stats = this.lower.lstatExact(found.path);
    if (stats === undefined) throw new Fault("ENOENT");
    const stamp = stampOf(stats);
    const origin = { path: this.tree.treePathOfLower(found.path), stamp };
    const from = this.tree.originOfCopy();
    let node: Node;
    if (stamp.kind === "file") {
      node = new FileNode(from, FileContent.over(new LowerFile(this.lower, found.path, origin)));
    } else if (stamp.kind === "symlink") {
      node = new SymlinkNode(from, this.lower.readlink(found.path));
    } else if (stamp.kind === "other") {
      node = otherNode(from, Number(stats.mode), Number(stats.rdev));
    } else throw new Fault("EIO", { reason: "changed while it was looked at" });
    takeMetadata(node, stats);
    node.origin = origin;
    this.tree.put(directory, name, node);
    if (stamp.kind === "file" && stamp.nlink > 1) this.tree.link(identityOf(stamp), node);
    this.descriptors.switchTo(node, stamp);
    return node;
  }

  /** A lower file by where it lies and the stamp that it is expected to have. */
  lowerFile(node: LowerNode): LowerFile {
    return new LowerFile(this.lower, absoluteOf(this.tree.rootPath, node.path), node);
  }

  /** Discards everything pending. Open descriptors keep what they have. */
  reset(): void {
    this.tree.reset();
  }

  /** The upper node of an open file, which is copied up where it is still the lower's. */
  nodeOf(file: OpenFile): Node {
    if (file.node !== undefined) return file.node;
    if (file.place === undefined) throw new Fault("EBADF");
    const node = this.copyUp(file.place);
    // Whatever lies at the place by now: the file that is open is no longer there.
    if (file.node === undefined) throw new Fault("ESTALE");
    return node;
  }

  /** The content of an open file as it is now. */
  contentOf(file: OpenFile): FileContent {
    if (file.node?.kind === "file") return file.node.content.snapshot();
    const { lowerDescriptor, place } = file;
    if (lowerDescriptor === undefined || place?.found.kind !== "lower") throw new Fault("EISDIR");
    const stamp = stampOf(this.lower.fstat(lowerDescriptor));
    const { path } = place.found;
    const node = { path: this.tree.treePathOfLower(path), stamp };
    return FileContent.over(new LowerFile(this.lower, path, node));
  }

  /** The size of an open file in bytes. */
  sizeOf(file: OpenFile): number {
    if (file.node?.kind === "file") return file.node.content.size;
    return file.lowerDescriptor === undefined
      ? 0
      : Number(this.lower.fstat(file.lowerDescriptor).size);
  }

  /** Whether an open file is a directory. */
  isDirectory(file: OpenFile): boolean {
    return (this.modeOf(file) & constants.S_IFMT) === constants.S_IFDIR;
  }

  /** The mode of an open file. */
  modeOf(file: OpenFile): number {
    if (file.node !== undefined) return file.node.mode;
    if (file.lowerDescriptor === undefined) throw new Fault("EBADF");
    return Number(this.lower.fstat(file.lowerDescriptor).mode);
  }
}
