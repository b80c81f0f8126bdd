import { constants } from "node:os";
import type { FuseBackend } from "./backend.ts";
import type { FuseNode, HeldDescriptor, NodeTable } from "./node-table.ts";
import { OperationError } from "./operation-error.ts";
import { fileTypeMask, regularFileType } from "./protocol.ts";

/** Descriptors held for nodes at once; past it the least recently used one is closed. */
const heldDescriptorsMax = 512;

/**
 * The descriptors of a FUSE server, one for each node in use: the kernel reads and writes by node.
 * A node whose last name goes away keeps its own until the kernel forgets it, which is how an
 * unlinked file stays readable for those that have it open.
 */
export class HeldDescriptors {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #held = new Map<FuseNode, HeldDescriptor>();

  constructor(backend: FuseBackend, nodes: NodeTable) {
    this.#backend = backend;
    this.#nodes = nodes;
  }

  /** A descriptor of the node, opened where there is none. */
  descriptorOf(node: FuseNode, writable: boolean): number {
    const held = node.held;
    if (held && (held.writable || !writable)) {
      this.#held.delete(node);
      this.#held.set(node, held);
      return held.descriptor;
    }
    const path = this.#nodes.pathOf(node);
    if (path === undefined) throw new OperationError(constants.errno.EBADF);
    const descriptor = this.#backend.open(path, writable);
    this.hold(node, { descriptor, writable });
    return descriptor;
  }

  /** Keeps a descriptor of the node instead of the one that it has. */
  hold(node: FuseNode, held: HeldDescriptor): void {
    if (node.held) this.#backend.close(node.held.descriptor);
    node.held = held;
    this.#held.delete(node);
    this.#held.set(node, held);
    if (this.#held.size <= heldDescriptorsMax) return;
    for (const [oldest, descriptor] of this.#held) {
      // A node without a name lives only in its descriptor.
      if (oldest.places.length === 0) continue;
      this.#held.delete(oldest);
      oldest.held = undefined;
      this.#backend.close(descriptor.descriptor);
      return;
    }
  }

  /** The node is known no more, and its descriptor closed. */
  forget(node: FuseNode): void {
    this.#held.delete(node);
  }

  /** Opens the node at a name that is about to go, so that those who have it open can go on. */
  keepReadable(parent: FuseNode, name: string): void {
    const node = parent.children.get(name);
    if (node === undefined || node.held !== undefined || node.places.length > 1) return;
    const path = this.#nodes.pathOf(node);
    if (path === undefined) return;
    if ((this.#backend.stat(path).mode & fileTypeMask) !== regularFileType) return;
    for (const writable of [true, false]) {
      try {
        this.descriptorOf(node, writable);
        return;
      } catch {
        // What may not be opened is open nowhere.
      }
    }
  }
}
