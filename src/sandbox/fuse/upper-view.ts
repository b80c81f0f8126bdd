import { constants } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { NodeMeta } from "../../overlay/pending/pending.ts";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import { everything, type FactsJson } from "./served-facts.ts";
import type { Since } from "./served-names.ts";
import { encodeLook, encodeNode, handedBytesMax, lookBytesMax } from "./served-nodes.ts";

/** Who a node belongs to. */
type Owner = Pick<NodeMeta, "uid" | "gid">;

/**
 * What is pending in a layer, in the form of an overlayfs upper directory: changed nodes and the
 * directories above them, a character device 0, 0 for what is deleted. So a harvest can read a FUSE
 * mount as it reads the kernel's overlay, but for the names in its directories: those the kernel
 * would keep, so they are told by the facts. What has changed lately is told with them, all at
 * once: a look at each file would cost seven messages. Read-only but for permission bits, which go
 * to the tree.
 */
export class UpperView {
  readonly #layer: Layer;
  readonly #tree: FuseBackend;
  readonly #readable: FuseBackend;
  readonly #isShownOwner: (owner: Owner) => boolean;

  /**
   * @param tree serves the merged view of `layer`.
   * @param options.readable refuses to read what nobody may; `tree` by default.
   * @param options.isShownOwner whether stats tell of the owner of such a node; they do by default.
   */
  constructor(
    layer: Layer,
    tree: FuseBackend,
    options: {
      readonly readable?: FuseBackend;
      readonly isShownOwner?: ((owner: Owner) => boolean) | undefined;
    } = {},
  ) {
    this.#layer = layer;
    this.#tree = tree;
    this.#readable = options.readable ?? tree;
    this.#isShownOwner = options.isShownOwner ?? (() => true);
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

  /** The facts and the nodes of one moment, see `encodeLook`. */
  look(since: Since): Buffer {
    const nodes: TreePath[] = [];
    const records: Buffer[] = [];
    let roomBytes = lookBytesMax;
    for (const { path, kind } of this.#layer.pendingSince(since.nodes)) {
      const attributes = this.stat(path);
      const size = Number(attributes.size);
      const isHanded = kind === "file" && size <= Math.min(handedBytesMax, roomBytes);
      const bytes = isHanded ? this.#bytesOf(path, size) : undefined;
      roomBytes -= bytes?.length ?? 0;
      nodes.push(path);
      records.push(encodeNode(attributes, bytes));
      if (bytes !== undefined) records.push(bytes);
    }
    return encodeLook(JSON.stringify({ ...this.facts(since.facts), nodes }), records);
  }

  /** What a file holds; `undefined` where the mount has to say why it cannot be read. */
  #bytesOf(path: TreePath, size: number): Buffer | undefined {
    try {
      const descriptor = this.#readable.open(path, false);
      try {
        const bytes = Buffer.allocUnsafe(size);
        return this.#readable.read(descriptor, bytes, 0) === size ? bytes : undefined;
      } finally {
        this.#readable.close(descriptor);
      }
    } catch {
      return undefined;
    }
  }

  /**
   * What stats do not tell, in time proportional to what is told but for a glance at each name.
   *
   * @param since what has not changed since this generation of the layer is not told.
   */
  facts(since: number): Omit<FactsJson, "nodes"> {
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
    const told = { generation, names, redirects, origins, foreign };
    return since === everything ? told : { ...told, newer };
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
 * Spreads pairs of numbers over 62 bits (Node takes the last of 64 for a sign), and never gives 0;
 * the factor is 2^64 divided by the golden ratio. Numbers that follow one another must part: one
 * write moves a generation by one.
 */
function mixed(left: bigint, right: bigint): bigint {
  return BigInt.asUintN(63, (left * 0x9e3779b97f4a7c15n + right) << 1n) | 1n;
}

function notThere(path: TreePath): Error {
  return Object.assign(new Error(`ENOENT: not in the upper, '${path}'`), {
    code: "ENOENT",
    errno: -2,
  });
}
