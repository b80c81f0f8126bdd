import { assert } from "../../errors.ts";
import { type Attributes, directoryType, fileTypeMask, rootNodeId } from "./protocol.ts";

/** One place of a node in the tree. */
interface Place {
  readonly parent: FuseNode;
  readonly name: string;
}

/** A descriptor that the server holds for a node between the kernel's requests. */
export interface HeldDescriptor {
  readonly descriptor: number;
  readonly writable: boolean;
}

/** A node that the kernel knows by its id. */
export interface FuseNode {
  readonly id: bigint;
  readonly ino: bigint;
  /** The type bits of its mode: the kernel takes it for broken when it is told of others. */
  readonly type: number;
  /** Where it lies; several for hard links, none once it is unlinked. */
  readonly places: Place[];
  readonly children: Map<string, FuseNode>;
  /**
   * References that the kernel holds (`nlookup`); it may name the node until it forgets them all.
   */
  lookups: bigint;
  held: HeldDescriptor | undefined;
  /** What it was last found to be. */
  found: FoundAttributes | undefined;
  /** Change time on the disk as the kernel was last told; see `LowerChanges`. */
  changedNs: bigint | undefined;
  /** Whether it is known that only this mount changes it. */
  isOwn: boolean;
}

/** Attributes, and when they were looked at. */
export interface FoundAttributes {
  readonly attributes: Attributes;
  /** By `performance.now()`. */
  readonly atMs: number;
  /** Of the backend at that time. */
  readonly generation: number;
}

/**
 * The nodes that the kernel knows. A node keeps its id across renames, and after its last name is
 * gone for as long as somebody has it open; hard links share one node, so that they share one page
 * cache.
 */
export class NodeTable {
  readonly root: FuseNode = nodeOf(rootNodeId, 0n, directoryType);
  readonly #nodes = new Map<bigint, FuseNode>([[rootNodeId, this.root]]);
  readonly #linked = new Map<bigint, FuseNode>();
  /** Told of every node of which the kernel is about to be told. */
  onTold: (node: FuseNode, attributes: Attributes) => void = () => {};
  readonly #release: (held: HeldDescriptor) => void;
  #lastId = rootNodeId;

  /** @param release closes the descriptor of a node that is forgotten. */
  constructor(release: (held: HeldDescriptor) => void) {
    this.#release = release;
  }

  get(id: bigint): FuseNode {
    const node = this.#nodes.get(id);
    assert(node, `the kernel named FUSE node ${id}, which it had forgotten`);
    return node;
  }

  /** The node at a place that the kernel has just looked up; counts the reference. */
  reference(parent: FuseNode, name: string, attributes: Attributes): FuseNode {
    const node = this.#findOrMake(parent, name, attributes);
    node.lookups += 1n;
    this.onTold(node, attributes);
    return node;
  }

  /** Says that a node has or is about to have another name, which shall lead to the same node. */
  markLinked(node: FuseNode): void {
    this.#linked.set(node.ino, node);
  }

  /** Path of a node, or `undefined` when no name leads to it any more. */
  pathOf(node: FuseNode): string | undefined {
    const names: string[] = [];
    for (let at = node; at !== this.root; ) {
      const place = at.places[0];
      if (place === undefined) return undefined;
      names.push(place.name);
      at = place.parent;
    }
    return names.reverse().join("/");
  }

  /** Takes a name away from the node at it, if the kernel knows one. */
  remove(parent: FuseNode, name: string): void {
    const node = parent.children.get(name);
    if (node === undefined) return;
    parent.children.delete(name);
    const index = node.places.findIndex((place) => place.parent === parent && place.name === name);
    if (index >= 0) node.places.splice(index, 1);
    this.#forgetWhenUnused(node);
  }

  /** Moves the node at one name to another, over whatever lies there. */
  move(parent: FuseNode, name: string, target: FuseNode, targetName: string): void {
    const node = parent.children.get(name);
    this.remove(target, targetName);
    if (node === undefined) return;
    parent.children.delete(name);
    const index = node.places.findIndex((place) => place.parent === parent && place.name === name);
    node.places.splice(index, 1, { parent: target, name: targetName });
    target.children.set(targetName, node);
  }

  forget(id: bigint, count: bigint): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node === this.root) return;
    node.lookups -= count;
    this.#forgetWhenUnused(node);
  }

  #findOrMake(parent: FuseNode, name: string, attributes: Attributes): FuseNode {
    const { ino } = attributes;
    // The links of a directory are its subdirectories.
    const hasLinks = attributes.nlink > 1 && (attributes.mode & fileTypeMask) !== directoryType;
    const known = parent.children.get(name);
    if (known !== undefined && known.ino === ino) return known;
    if (known !== undefined) this.remove(parent, name);
    const linked = hasLinks ? this.#linked.get(ino) : undefined;
    const node = linked ?? this.#make(ino, attributes.mode & fileTypeMask);
    if (hasLinks) this.#linked.set(ino, node);
    node.places.push({ parent, name });
    parent.children.set(name, node);
    return node;
  }

  #make(ino: bigint, type: number): FuseNode {
    this.#lastId += 1n;
    const node = nodeOf(this.#lastId, ino, type);
    this.#nodes.set(node.id, node);
    return node;
  }

  #forgetWhenUnused(node: FuseNode): void {
    if (node.lookups > 0n || node.children.size > 0) return;
    this.#nodes.delete(node.id);
    if (this.#linked.get(node.ino) === node) this.#linked.delete(node.ino);
    if (node.held) this.#release(node.held);
    node.held = undefined;
    const places = node.places.splice(0);
    for (const { parent, name } of places) {
      if (parent.children.get(name) === node) parent.children.delete(name);
      if (parent !== this.root) this.#forgetWhenUnused(parent);
    }
  }
}

function nodeOf(id: bigint, ino: bigint, type: number): FuseNode {
  const children = type === directoryType ? new Map<string, FuseNode>() : noChildren;
  const told = { lookups: 0n, held: undefined, found: undefined, changedNs: undefined };
  return { id, ino, type, places: [], children, ...told, isOwn: false };
}

/** Of all nodes that can have none. */
const noChildren: Map<string, FuseNode> = new Map();
