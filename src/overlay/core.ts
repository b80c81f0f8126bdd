import type { Lower } from "../disk/lower/lower.ts";
import { constants } from "../disk/lower/lower-classes.ts";
import { StrayedError } from "../disk/lower/straight-open.ts";
import { isWellFormed } from "../disk/names.ts";
import { identityOf, type Stamp, stampOf } from "../disk/stamp.ts";
import { absoluteOf, childOf, type TreePath } from "../disk/tree-path.ts";
import { nameBytesMax, pathBytesMax } from "../limits.ts";
import { CommitHold } from "./commit-hold.ts";
import { ContentMemory, type MemoryOptions } from "./content/content-memory.ts";
import { FileContent } from "./content/file-content.ts";
import { credentials, isPermitted, mayExecute } from "./credentials.ts";
import { Descriptors, type OpenFile } from "./descriptors.ts";
import { Fault } from "./file-system-error.ts";
import { lastingFile } from "./lasting-file.ts";
import { LowerFile } from "./lower-file.ts";
import { type DirectoryNode, FileNode, type Node, otherNode, SymlinkNode } from "./node.ts";
import { Observations } from "./observations.ts";
import { openPlaces } from "./open-places.ts";
import { DirectoryPaths } from "./path/directory-paths.ts";
import {
  type ExistingPlace,
  exists,
  type Following,
  followsPlain,
  isDirectory,
  type Outside,
  PathWalk,
  type Place,
} from "./path/path-walk.ts";
import type { Content, LowerNode } from "./pending/pending.ts";
import { takeMetadata } from "./pending/take-metadata.ts";
import { Policy, type PolicyOptions } from "./policy.ts";
import { type Found, Tree } from "./tree.ts";

/** The answer of {@link Core.peek} for a path that only the lower knows. */
export const untouched = Symbol("untouched");

const slash = 47;
const dot = 46;
/** Code units of which a name or path is within its bound of bytes, whatever they are. */
const directNameLengthMax = Math.floor(nameBytesMax / 3);
const directPathLengthMax = Math.floor(pathBytesMax / 3);

/** How to set up the core of an overlay. */
export interface CoreOptions {
  readonly memory: MemoryOptions;
  readonly policy: PolicyOptions | undefined;
  /** Whether to take down what is read of the lower. */
  readonly observes: boolean;
}

/** What the operations of an overlay share: its tree, its path lookup and its descriptors. */
export class Core {
  readonly tree: Tree;
  readonly lower: Lower;
  readonly descriptors: Descriptors;
  readonly memory: ContentMemory;
  readonly policy: Policy;
  readonly observations: Observations | undefined;
  readonly paths: DirectoryPaths;
  /** What would be written now would be lost. */
  isClosed = false;
  readonly commits = new CommitHold();
  /** Stands for everything outside of the root that a policy lets be read. */
  readonly #outside: DirectoryNode;
  readonly #walk: PathWalk;

  constructor(lower: Lower, root: string, options: CoreOptions) {
    const { memory, policy, observes } = options;
    this.lower = lower;
    // Whoever gives a policy holds code back, and not mistakes alone.
    lower.confine(root, policy !== undefined);
    this.policy = new Policy(policy);
    this.observations = observes ? new Observations(lower, root) : undefined;
    this.tree = new Tree(lower, root);
    this.#walk = new PathWalk(this.tree);
    this.paths = new DirectoryPaths(this.tree);
    this.#outside = this.tree.detachedDirectory();
    this.descriptors = new Descriptors(lower);
    this.memory = new ContentMemory(this.tree, this.descriptors, memory);
    this.tree.onAttach = (directory, stamp) => this.#attached(directory, stamp);
  }

  /**
   * Where a path leads inside the root.
   *
   * @throws {Fault} what the lookup meets; `EACCES` when the path leaves the root.
   */
  resolve(path: string, follow: Following): Place {
    credentials.refresh();
    const place = this.#placeAt(path, follow);
    if ("outside" in place) return this.#resolveOutside(place);
    if (this.policy.restrictsReading) this.policy.requireReadable(this.#pathsOf(place));
    if (this.observations !== undefined) this.#observe(place);
    return place;
  }

  /**
   * What a path leads to, if that can be told by one lookup: an upper node, or `untouched` where
   * the path means what it means on the disk and the disk may be asked instead, by a call that
   * does not follow a link in the last component.
   */
  peek(path: string): Exclude<Node, SymlinkNode> | typeof untouched | undefined {
    const last = path.charCodeAt(path.length - 1);
    if (path.charCodeAt(0) !== slash || last === slash || last === dot) return undefined;
    if (!isWellFormed(path) || path.includes("\0")) return undefined;
    const end = path.lastIndexOf("/");
    const known = this.paths.find(path, end);
    if (known === undefined || this.#watchesReads) return undefined;
    const { directory } = known;
    const { entries } = directory;
    if (entries === undefined) return known.isAsInLower ? untouched : undefined;
    const name = path.slice(end + 1);
    const dentry = entries.get(name);
    if (dentry !== undefined) {
      const { node } = dentry;
      if (node === undefined || node.kind === "symlink") return undefined;
      // The disk asks who calls by itself; for what is ours it is for us to ask.
      return known.isOpen || credentials.areCurrent() ? node : undefined;
    }
    return known.isAsInLower && !this.tree.isHidden(directory, name) ? untouched : undefined;
  }

  /** Whether a path is a directory of the lower in which nothing was changed. */
  isPlainDirectory(path: string): boolean {
    if (path.charCodeAt(0) !== slash || this.#watchesReads) return false;
    const known = this.paths.find(path, path.length);
    if (known?.isAsInLower !== true || known.directory === this.tree.root) return false;
    const { directory } = known;
    return directory.entries === undefined || directory.entries.size === 0;
  }

  /**
   * @throws {Fault} `EACCES` when the policy, or the root, forbids to change what lies there;
   *   `EBUSY` while a commit is being carried out, `EROFS` when the overlay was closed.
   */
  requireChangeable(place: Place): void {
    if (place.directory === this.#outside) throw leavesRoot();
    if (this.isClosed) {
      throw new Fault("EROFS", { reason: "read-only file system, the overlay was closed" });
    }
    this.commits.requireIdle();
    if (this.policy.restrictsWriting) this.policy.requireWritable(this.#pathsOf(place));
  }

  /** @throws {Fault} `EACCES` when moving a directory would free what the policy protects in it. */
  requireMovable(source: Place, target: Place): void {
    if (!this.policy.restrictsWriting) return;
    const [path] = this.#pathsOf(target);
    if (path !== undefined) this.policy.requireMovable(this.#pathsOf(source), path);
  }

  /** The real path of a place outside of the root. */
  outsidePathOf(place: Place): string | undefined {
    return place.directory === this.#outside ? place.name : undefined;
  }

  #placeAt(path: string, follow: Following): Place | Outside {
    try {
      return this.#directPlace(path, follow) ?? this.#walk.walk(path, follow);
    } catch (caught) {
      if (!(caught instanceof StrayedError)) throw caught;
      // A link lies now where a directory was: it is for the walk to follow.
      this.paths.forget();
      return this.#walk.walk(path, follow);
    }
  }

  /** The place of a path whose directory is known, without a walk. */
  #directPlace(path: string, follow: Following): Place | undefined {
    const last = path.charCodeAt(path.length - 1);
    const isPlain = path.charCodeAt(0) === slash && last !== slash && last !== dot;
    if (!isPlain || path.length > directPathLengthMax) return undefined;
    const end = path.lastIndexOf("/");
    const known = this.paths.find(path, end);
    const directory = known?.directory;
    const name = path.slice(end + 1);
    if (directory === undefined || name.length > directNameLengthMax) return undefined;
    if (directory.attached && !isPermitted(directory, mayExecute)) return undefined;
    const found = this.tree.lookup(directory, name, known?.isAsInLower ? path : undefined);
    if (found !== undefined && followsPlain(follow) && isLink(found)) return undefined;
    return { directory, name, found, last: "name", trailingSlash: false };
  }

  get #watchesReads(): boolean {
    return this.policy.restrictsReading || this.observations !== undefined;
  }

  #resolveOutside({ outside, trailingSlash }: Outside): Place {
    if (!this.policy.allowsOutside(outside)) throw leavesRoot();
    const stats = this.lower.lstat(outside);
    const found =
      stats === undefined ? undefined : { kind: "lower" as const, path: outside, stats };
    return { directory: this.#outside, name: outside, found, last: "name", trailingSlash };
  }

  /** The paths under which a policy knows a place: in the merged tree, and in the lower. */
  #pathsOf({ directory, name, found }: Place): TreePath[] {
    const parent = this.tree.pathOf(directory);
    const paths = [name === "" ? parent : childOf(parent, name)];
    const lowerPath = directory.lowerPath;
    if (lowerPath !== undefined && name !== "") {
      paths.push(this.tree.treePathOfLower(absoluteOf(lowerPath, name)));
    }
    if (found?.kind === "lower") paths.push(this.tree.treePathOfLower(found.path));
    else if (found?.node.origin !== undefined) paths.push(found.node.origin.path);
    return paths;
  }

  #observe({ directory, name, found }: Place): void {
    if (found?.kind === "lower") this.observations?.add(found.path);
    else if (found === undefined && directory.lowerPath !== undefined) {
      this.observations?.add(absoluteOf(directory.lowerPath, name));
    }
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
    this.requireChangeable(place);
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
      node = new FileNode(from, this.contentOver(new LowerFile(this.lower, found.path, origin)));
      lastingFile();
    } else if (stamp.kind === "symlink") {
      node = new SymlinkNode(from, this.lower.readlink(found.path));
    } else if (stamp.kind === "other") {
      node = otherNode(from, Number(stats.mode), Number(stats.rdev));
    } else throw new Fault("EIO", { reason: "changed while it was looked at" });
    takeMetadata(node, stats);
    node.origin = origin;
    this.tree.take(directory, name, node, origin);
    this.tree.undo.record(() => this.descriptors.returnToLower(node, stamp, place));
    if (stamp.kind === "file" && stamp.nlink > 1) this.tree.link(identityOf(stamp), node);
    this.descriptors.switchTo(node, stamp);
    return node;
  }

  /** Whoever has the directory open goes on with what the upper holds now. */
  #attached(node: DirectoryNode, stamp: Stamp): void {
    this.descriptors.switchTo(node, stamp);
    const { parent, name, lowerPath: path } = node;
    if (this.tree.undo.span === 0 || parent === undefined || path === undefined) return;
    this.tree.undo.record(() => {
      const stats = this.lower.lstat(path);
      if (stats === undefined) return;
      const found = { kind: "lower" as const, path, stats };
      const place = { directory: parent, name, found, last: "name", trailingSlash: false } as const;
      this.descriptors.returnToLower(node, stamp, place);
    });
  }

  /** A lower file by where it lies and the stamp that it is expected to have. */
  lowerFile(node: LowerNode): LowerFile {
    return new LowerFile(this.lower, absoluteOf(this.tree.rootPath, node.path), node);
  }

  /** A content that is another one until it is written to. */
  contentOver(below: Content): FileContent {
    return FileContent.over(below, this.memory.budget);
  }

  /** Discards everything pending. Open descriptors keep what they have. */
  reset(): void {
    const findAgain = openPlaces(this, (_, lowerPath) =>
      lowerPath === undefined ? undefined : this.tree.treePathOfLower(lowerPath),
    );
    this.tree.reset();
    findAgain();
    this.observations?.clear();
    // What is open may still read from what was spilled; it goes when the overlay closes then.
    if (this.descriptors.nodes().next().done === true) this.memory.place.close();
  }

  /**
   * The upper node of an open file that is to be changed; copied up where it is still the lower's.
   *
   * @throws {Fault} `EBUSY`, `ESTALE`.
   */
  nodeOf(file: OpenFile): Node {
    this.commits.requireIdle();
    if (file.node !== undefined) return file.node;
    // Whatever lies at the place by now: the file that is open is no longer there.
    if (file.place === undefined) throw new Fault("ESTALE");
    const node = this.copyUp(file.place);
    if (file.node === undefined) throw new Fault("ESTALE");
    return node;
  }

  /** The content of an open file as it is now, for another file. */
  contentOf(file: OpenFile): FileContent {
    if (file.node?.kind === "file") return file.node.content.copy();
    const { lowerDescriptor, place } = file;
    if (lowerDescriptor === undefined || place?.found.kind !== "lower") throw new Fault("EISDIR");
    const stamp = stampOf(this.lower.fstat(lowerDescriptor));
    const { path } = place.found;
    const node = { path: this.tree.treePathOfLower(path), stamp };
    return this.contentOver(new LowerFile(this.lower, path, node));
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

function isLink(found: NonNullable<Found>): boolean {
  return found.kind === "upper" ? found.node.kind === "symlink" : found.stats.isSymbolicLink();
}

function leavesRoot(): Fault {
  return new Fault("EACCES", { reason: "permission denied, the path leaves the overlay's root" });
}
