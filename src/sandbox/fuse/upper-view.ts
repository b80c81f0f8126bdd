import { constants } from "node:fs";
import { nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { NodeMeta, Pending } from "../../overlay/pending.ts";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import type { FactsJson } from "./served-facts.ts";

/**
 * What is pending in a layer, in the form of an overlayfs upper directory: changed nodes and the
 * directories above them, a character device 0, 0 for what is deleted. So a harvest reads a FUSE
 * mount as it reads the kernel's overlay, but for the names in its directories: those the kernel
 * would keep, so they are told by the facts. Read-only but for permission bits, which go to the
 * tree.
 */
export class UpperView {
  readonly #layer: Layer;
  readonly #tree: FuseBackend;
  readonly #isShownOwner: (owner: NodeMeta) => boolean;
  #generation = -1;
  #entries = new Map<TreePath, Pending>();
  #children = new Map<TreePath, Set<string>>();
  /** The newest change of each inode: hard links change together. */
  #changed = new Map<bigint, number>();

  /**
   * @param tree serves the merged view of `layer`.
   * @param isShownOwner whether stats tell of the owner of such a node; they do by default.
   */
  constructor(
    layer: Layer,
    tree: FuseBackend,
    isShownOwner: (owner: NodeMeta) => boolean = () => true,
  ) {
    this.#layer = layer;
    this.#tree = tree;
    this.#isShownOwner = isShownOwner;
  }

  stat(path: TreePath): Attributes {
    this.#refresh();
    const entry = this.#entries.get(path);
    if (entry === undefined) {
      if (path !== "" && !this.#children.has(path)) throw notThere(path);
      return this.#tree.stat(path);
    }
    if (entry.kind === "whiteout") return whiteoutOf(entry.generation);
    const attributes = this.#tree.stat(path);
    if (entry.kind !== "file") return attributes;
    // Another number for other bytes: the kernel keeps pages by it, and must not keep old ones.
    const generation = this.#changed.get(entry.ino) ?? 0;
    return { ...attributes, ino: mixed(attributes.ino, BigInt(generation)) };
  }

  /** {@link FactsJson}. */
  facts(): Buffer {
    this.#refresh();
    const redirects: [TreePath, string][] = [];
    const foreign: [TreePath, TreePath][] = [];
    for (const entry of this.#entries.values()) {
      if (entry.kind === "whiteout") continue;
      if (entry.kind === "directory" && entry.redirect !== undefined && !entry.opaque) {
        redirects.push([entry.path, `/${entry.redirect}`]);
      }
      const { origin, meta } = entry;
      if (origin !== undefined && !this.#isShownOwner(meta))
        foreign.push([entry.path, origin.path]);
    }
    const names = [...this.#children].map(([path, own]) => [path, [...own]] as const);
    return Buffer.from(JSON.stringify({ names, redirects, foreign } satisfies FactsJson));
  }

  #refresh(): void {
    if (this.#generation === this.#layer.generation) return;
    this.#generation = this.#layer.generation;
    this.#entries = new Map();
    this.#children = new Map([["", new Set()]]);
    this.#changed = new Map();
    for (const entry of this.#layer.pending()) {
      this.#entries.set(entry.path, entry);
      if (entry.kind === "directory" && !this.#children.has(entry.path)) {
        this.#children.set(entry.path, new Set());
      }
      if (entry.kind === "file") {
        const newest = Math.max(entry.generation, this.#changed.get(entry.ino) ?? 0);
        this.#changed.set(entry.ino, newest);
      }
      this.#enlist(entry.path);
    }
  }

  /** Makes a path and the directories above it visible. */
  #enlist(path: TreePath): void {
    if (path === "") return;
    const parent = parentOf(path);
    const siblings = this.#children.get(parent);
    if (siblings !== undefined) {
      siblings.add(nameOf(path));
      return;
    }
    this.#children.set(parent, new Set([nameOf(path)]));
    this.#enlist(parent);
  }
}

function whiteoutOf(generation: number): Attributes {
  return {
    ino: mixed(BigInt(generation), 1n),
    size: 0n,
    blocks: 0n,
    atimeNs: 0n,
    mtimeNs: 0n,
    ctimeNs: 0n,
    mode: constants.S_IFCHR,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
  };
}

/**
 * Spreads pairs of numbers over 63 bits, and never gives 0; the factor is 2^64 divided by the
 * golden ratio. Numbers that follow one another must part: one write moves a generation by one.
 */
function mixed(left: bigint, right: bigint): bigint {
  return BigInt.asUintN(64, (left * 0x9e3779b97f4a7c15n + right) << 1n) | 1n;
}

function notThere(path: TreePath): Error {
  return Object.assign(new Error(`ENOENT: not in the upper, '${path}'`), {
    code: "ENOENT",
    errno: -2,
  });
}
