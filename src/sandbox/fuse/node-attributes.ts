import { constants } from "node:os";
import type { FuseBackend } from "./backend.ts";
import type { HeldDescriptors } from "./held-descriptors.ts";
import type { FuseNode, NodeTable } from "./node-table.ts";
import { OperationError } from "./operation-error.ts";
import { type Attributes, directoryType, fileTypeMask } from "./protocol.ts";

/**
 * How long attributes are told again without a look, in milliseconds: long enough for programs that
 * come back to their files, short beside the hour for which the kernel may keep them.
 */
const recentMs = 10_000;

/** What the nodes of a mount are, by their ids. */
export class NodeAttributes {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #held: HeldDescriptors;
  readonly #onDirectory: (node: FuseNode) => void;

  /** @param options.onDirectory is called when the kernel has asked about a directory. */
  constructor(
    backend: FuseBackend,
    nodes: NodeTable,
    held: HeldDescriptors,
    options: { readonly onDirectory: (node: FuseNode) => void },
  ) {
    this.#backend = backend;
    this.#nodes = nodes;
    this.#held = held;
    this.#onDirectory = options.onDirectory;
  }

  /**
   * For the kernel. Every read makes it ask again, because it may have moved the access time: of
   * files it gets what it was told a moment before, as long as nothing was changed through this
   * server.
   */
  recentlyOf(id: bigint): Attributes {
    const node = this.#nodes.get(id);
    if (node.type === directoryType) {
      const attributes = this.of(id);
      this.#onDirectory(node);
      return attributes;
    }
    const generation = this.#backend.generation();
    const { found } = node;
    const isRecent = found !== undefined && performance.now() - found.atMs < recentMs;
    if (isRecent && found.generation === generation) return found.attributes;
    const attributes = this.of(id);
    const isKept = attributes.isVolatile !== true && node.places.length > 0;
    node.found = isKept ? { attributes, atMs: performance.now(), generation } : undefined;
    return attributes;
  }

  /** @throws {OperationError} `ENOENT` where the node is no more. */
  of(id: bigint): Attributes {
    const node = this.#nodes.get(id);
    const path = this.#nodes.pathOf(node);
    if (path === undefined && node.held === undefined) {
      throw new OperationError(constants.errno.ENOENT);
    }
    if (path === undefined)
      return this.#backend.statDescriptor(this.#held.descriptorOf(node, false));
    const attributes = this.#backend.stat(path);
    // Where names come and go without the kernel's knowledge, something else may lie there by now.
    if ((attributes.mode & fileTypeMask) !== node.type) {
      throw new OperationError(constants.errno.ENOENT);
    }
    this.#nodes.onTold(node, attributes);
    return attributes;
  }
}
