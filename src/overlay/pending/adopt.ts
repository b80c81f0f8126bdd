import { constants } from "../../disk/lower/lower-classes.ts";
import { absoluteOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import { FileContent } from "../content/file-content.ts";
import type { Core } from "../core.ts";
import { instantOf, presentInstant } from "../instant.ts";
import {
  DirectoryNode,
  FileNode,
  type Node,
  type NodeOrigin,
  otherNode,
  SymlinkNode,
} from "../node.ts";
import type { Content, LowerNode, NodeMeta } from "./pending.ts";

interface AdoptableBase {
  readonly path: TreePath;
  /**
   * What the lower held at this path when the change was made, `null` for nothing; the layer looks
   * by itself when it is missing.
   */
  readonly base?: LowerNode | null | undefined;
  /**
   * When whoever made the change had last looked at the lower, where that is earlier than now and
   * the layer looks by itself; see {@link LowerNode}.
   */
  readonly seenNs?: bigint;
}

interface AdoptableNode extends AdoptableBase {
  readonly meta: NodeMeta;
  readonly timesSet?: boolean;
  readonly origin?: LowerNode | undefined;
}

/** One node to be put in place exactly as given: the counterpart of `Pending`. */
export type Adoptable =
  | (AdoptableBase & { readonly kind: "whiteout" })
  | (AdoptableNode & {
      readonly kind: "file";
      readonly content: Content;
      /**
       * The bytes stay readable and the same for as long as the layer is open, so that they need
       * not be copied. False by default.
       */
      readonly isLasting?: boolean;
      /** Files adopted one after the other with the same number are hard links of one node. */
      readonly ino?: bigint | undefined;
    })
  | (AdoptableNode & {
      readonly kind: "directory";
      /** Nothing of the lower shows through. */
      readonly opaque: boolean;
      /** The lower directory that shows through when it is not the one at `path`. */
      readonly redirect?: TreePath | undefined;
    })
  | (AdoptableNode & { readonly kind: "symlink"; readonly target: string })
  | (AdoptableNode & {
      readonly kind: "other";
      /** Whether it is a socket; a fifo otherwise. */
      readonly isSocket?: boolean;
    });

/** Puts nodes in place without any of the checks and side effects of a file-system call. */
export class Adoption {
  readonly #core: Core;
  /** Files of the present run of adoptions, by the number they were given with. */
  #linked = new Map<bigint, FileNode>();
  /** The overlay's generation when the last adoption ended: any other change ends the run. */
  #generation = -1;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Puts one node in place. Its parent must be there: adopt parents before their children.
   *
   * @throws {Fault} `ENOENT` or `ENOTDIR` when the parent is no directory.
   */
  adopt(entry: Adoptable): void {
    const { tree } = this.#core;
    if (this.#generation !== tree.generation) this.#linked = new Map();
    if (entry.path === "") {
      if (entry.kind === "directory") this.#setMetadata(tree.root, entry);
    } else this.#adoptAt(tree.directoryAt(parentOf(entry.path)), entry);
    tree.structure += 1;
    this.#generation = tree.generation;
  }

  /**
   * Says which lower node a file or link that was adopted is, under the name that it has now;
   * `undefined` for none.
   *
   * @throws {Fault} as {@link adopt}.
   */
  setOrigin(path: TreePath, origin: LowerNode | undefined): void {
    const { tree } = this.#core;
    const node = tree.nodeUnder(tree.directoryAt(parentOf(path)), nameOf(path));
    assert(node !== undefined, "what is recognised was adopted before");
    tree.touch(node);
    this.#originate(node, origin);
    this.#generation = tree.generation;
  }

  #adoptAt(parent: DirectoryNode, entry: Adoptable): void {
    const { tree } = this.#core;
    tree.attach(parent);
    const name = nameOf(entry.path);
    const existing = tree.nodeUnder(parent, name);
    const base = this.#baseOf(parent, entry);
    if (entry.kind === "whiteout") {
      if (existing?.kind === "directory") tree.countDirectory(parent, -1);
      this.#drop(existing);
      tree.remove(parent, name, base);
      return;
    }
    const node = this.#nodeFor(parent, name, entry, existing);
    if (node !== existing) {
      this.#drop(existing);
      const wasDirectory = existing?.kind === "directory" || tree.isLowerDirectory(parent, name);
      tree.put(parent, name, node, base);
      if (node.kind === "directory" && !wasDirectory) tree.countDirectory(parent, 1);
      if (node.kind !== "directory" && wasDirectory) tree.countDirectory(parent, -1);
    }
    this.#setMetadata(node, entry);
  }

  #baseOf(parent: DirectoryNode, { path, base, seenNs }: Adoptable): LowerNode | null | undefined {
    if (base !== undefined || seenNs === undefined) return base;
    return this.#core.tree.baseSeen(parent, nameOf(path), seenNs) ?? null;
  }

  #nodeFor(
    parent: DirectoryNode,
    name: string,
    entry: Exclude<Adoptable, { kind: "whiteout" }>,
    existing: Node | undefined,
  ): Node {
    switch (entry.kind) {
      case "file":
        return this.#fileFor(entry, existing);
      case "symlink":
        return new SymlinkNode(this.#start(entry.meta), entry.target);
      case "other":
        return otherNode(
          this.#start(entry.meta),
          entry.isSocket === true ? constants.S_IFSOCK : constants.S_IFIFO,
          0,
        );
      case "directory":
        return this.#directoryFor(parent, name, entry, existing);
    }
  }

  #fileFor(entry: Extract<Adoptable, { kind: "file" }>, existing: Node | undefined): FileNode {
    const content = this.#contentOf(entry);
    const linked = entry.ino === undefined ? undefined : this.#linked.get(entry.ino);
    if (linked !== undefined && linked.nlink > 0) {
      this.#core.tree.touch(linked);
      linked.content = content;
      if (linked !== existing) linked.nlink += 1;
      return linked;
    }
    if (existing?.kind === "file" && existing.nlink === 1) {
      this.#core.tree.touch(existing);
      existing.content = content;
      if (entry.ino !== undefined) this.#linked.set(entry.ino, existing);
      return existing;
    }
    const node = new FileNode(this.#start(entry.meta), content);
    if (entry.ino !== undefined) this.#linked.set(entry.ino, node);
    return node;
  }

  #contentOf(entry: Extract<Adoptable, { kind: "file" }>): FileContent {
    const { content } = entry;
    if (content.lower !== undefined) {
      return this.#core.contentOver(this.#core.lowerFile(content.lower));
    }
    return entry.isLasting === true
      ? this.#core.contentOver(content)
      : FileContent.copyOf(content, this.#core.memory.budget);
  }

  #directoryFor(
    parent: DirectoryNode,
    name: string,
    entry: Extract<Adoptable, { kind: "directory" }>,
    existing: Node | undefined,
  ): DirectoryNode {
    const lowerPath = entry.opaque ? undefined : this.#shownFor(parent, name, entry);
    if (existing?.kind === "directory" && existing.lowerPath === lowerPath) return existing;
    const place = { parent, name, lowerPath };
    const node = new DirectoryNode(this.#start(entry.meta), place);
    node.attached = true;
    return node;
  }

  #shownFor(
    parent: DirectoryNode,
    name: string,
    { path, base, redirect }: Extract<Adoptable, { kind: "directory" }>,
  ): string | undefined {
    const { tree } = this.#core;
    if (redirect !== undefined) return absoluteOf(tree.rootPath, redirect);
    // One that showed through and has gone since: whatever comes back there shows through again.
    const gone = base?.stamp.kind === "directory" ? absoluteOf(tree.rootPath, path) : undefined;
    return tree.shownDirectory(parent, name) ?? gone;
  }

  #start(meta: NodeMeta): NodeOrigin {
    return this.#core.tree.originOfNew(meta.mode, meta.uid, meta.gid);
  }

  #setMetadata(node: Node, entry: Exclude<Adoptable, { kind: "whiteout" }>): void {
    const { meta } = entry;
    this.#core.tree.touch(node);
    node.mode = (node.mode & ~0o7777) | (meta.mode & 0o7777);
    node.uid = meta.uid;
    node.gid = meta.gid;
    node.atime = instantOf(meta.atimeNs);
    node.mtime = instantOf(meta.mtimeNs);
    node.ctime = presentInstant();
    node.timesSet = entry.timesSet ?? false;
    this.#core.tree.changed(node);
    if (entry.origin !== undefined) this.#originate(node, entry.origin);
  }

  #originate(node: Node, origin: LowerNode | undefined): void {
    node.origin = origin;
    const { mode, uid, gid } = node;
    const ino = origin?.stamp.ino ?? this.#core.tree.originOfNew(mode, uid, gid).ino;
    node.ino = ino <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(ino) : ino;
  }

  #drop(node: Node | undefined): void {
    if (node === undefined) return;
    this.#core.tree.touch(node);
    if (node.kind === "directory") node.removed = true;
    node.nlink = node.kind === "directory" ? 0 : node.nlink - 1;
  }
}
