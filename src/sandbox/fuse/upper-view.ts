import { constants } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { NodeMeta } from "../../overlay/pending.ts";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import { everything, type FactsJson } from "./served-facts.ts";

/** Who a node belongs to. */
type Owner = Pick<NodeMeta, "uid" | "gid">;

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
  readonly #isShownOwner: (owner: Owner) => boolean;

  /**
   * @param tree serves the merged view of `layer`.
   * @param isShownOwner whether stats tell of the owner of such a node; they do by default.
   */
  constructor(
    layer: Layer,
    tree: FuseBackend,
    isShownOwner: (owner: Owner) => boolean = () => true,
  ) {
    this.#layer = layer;
    this.#tree = tree;
    this.#isShownOwner = isShownOwner;
  }

  stat(path: TreePath): Attributes {
    if (path === "") return this.#tree.stat(path);
    const entry = this.#layer.pendingAt(path);
    if (entry === undefined) throw notThere(path);
    const { kind, generation, nodeGeneration, nlink } = entry;
    if (kind === "whiteout") return whiteoutOf(generation);
    const attributes = this.#tree.stat(path);
    if (kind !== "file") return attributes;
    // Another number for other bytes: the kernel keeps pages by it, and must not keep old ones.
    // Hard links change together.
    const newest = nlink > 1 ? nodeGeneration : generation;
    return { ...attributes, ino: mixed(attributes.ino, BigInt(newest)) };
  }

  /**
   * {@link FactsJson}, in time proportional to what is told but for a glance at each name.
   *
   * @param since what has not changed since this generation of the layer is not told.
   */
  facts(since: number): Buffer {
    const { generation } = this.#layer;
    const newer: TreePath[] = [];
    const names: [TreePath, string[]][] = [];
    const redirects: [TreePath, string][] = [];
    const origins: [TreePath, TreePath][] = [];
    const foreign: [TreePath, TreePath][] = [];
    for (const entry of this.#layer.pendingSince(since)) {
      const { path, kind, origin, owner, redirect } = entry;
      newer.push(path);
      if (kind === "directory") names.push([path, [...entry.names]]);
      if (redirect !== undefined) redirects.push([path, `/${redirect}`]);
      if (kind !== "directory" && origin !== undefined && origin !== path) {
        origins.push([path, origin]);
      }
      if (path !== "" && origin !== undefined && !this.#isShownOwner(owner)) {
        foreign.push([path, origin]);
      }
    }
    const told = { generation, names, redirects, origins, foreign } satisfies FactsJson;
    return Buffer.from(JSON.stringify(since === everything ? told : { ...told, newer }));
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
