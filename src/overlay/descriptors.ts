import type { Lower } from "../disk/lower/lower.ts";
import { constants } from "../disk/lower/lower-classes.ts";
import type { Stamp } from "../disk/stamp.ts";
import { credentials } from "./credentials.ts";
import { codeOf, Fault } from "./file-system-error.ts";
import type { Node } from "./node.ts";
import type { ExistingPlace } from "./path/path-walk.ts";

/** First number of the overlay's descriptors; the kernel never hands out one as high. */
export const firstDescriptor = 0x4000_0000;

/** What Node takes for a descriptor at all. */
const lastDescriptor = 0x7fff_ffff;

/**
 * Which numbers are taken, counted from the first: by any overlay of this process, so that a
 * descriptor of one is never taken for one of another.
 */
const taken: boolean[] = [];

function takeLowestNumber(): number {
  let index = taken.indexOf(false);
  if (index < 0) index = taken.length;
  taken[index] = true;
  return firstDescriptor + index;
}

const { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** Both bits together allow neither reading nor writing, though the right to both is needed. */
const accessMask = O_WRONLY | O_RDWR;

/** An open file or directory of the overlay. */
export class OpenFile {
  /** The upper node, once there is one: it stays the same through unlink and rename. */
  node: Node | undefined;
  /** A descriptor of the lower, while the file is untouched. */
  lowerDescriptor: number | undefined;
  /** Where a lower file lies that is open, to copy it up from there. */
  place: ExistingPlace | undefined;
  readonly flags: number;
  /** Reads of the lower that are under way: its descriptor stays open for them. */
  #pins = 0;
  #onUnpinned: (() => void) | undefined = undefined;
  /** Where the next read or write without a position happens. */
  position = 0;

  constructor(
    flags: number,
    target: { node: Node } | { lowerDescriptor: number; place: ExistingPlace },
  ) {
    this.flags = flags;
    this.node = "node" in target ? target.node : undefined;
    this.lowerDescriptor = "node" in target ? undefined : target.lowerDescriptor;
    this.place = "node" in target ? undefined : target.place;
  }

  /** Keeps the lower's descriptor open until the returned function is called. */
  pin(): () => void {
    this.#pins += 1;
    return () => {
      this.#pins -= 1;
      if (this.#pins > 0) return;
      this.#onUnpinned?.();
      this.#onUnpinned = undefined;
    };
  }

  /** Calls `action` when no read of the lower is under way any more, at once if none is. */
  whenUnpinned(action: () => void): void {
    const before = this.#onUnpinned;
    if (this.#pins === 0) action();
    else {
      this.#onUnpinned = () => {
        before?.();
        action();
      };
    }
  }

  get isReadable(): boolean {
    const access = this.flags & accessMask;
    return access === O_RDONLY || access === O_RDWR;
  }

  get isWritable(): boolean {
    const access = this.flags & accessMask;
    return access === O_WRONLY || access === O_RDWR;
  }

  get isAppending(): boolean {
    return (this.flags & O_APPEND) !== 0;
  }
}

/** The open descriptors of one overlay. */
export class Descriptors {
  readonly #lower: Lower;
  /** Open files by their numbers. */
  readonly #files = new Map<number, OpenFile>();
  /** Open files that still read from the lower. */
  readonly #onLower = new Set<OpenFile>();

  constructor(lower: Lower) {
    this.#lower = lower;
  }

  /** Gives an open file the lowest number that no overlay uses. */
  add(file: OpenFile): number {
    const descriptor = takeLowestNumber();
    this.#files.set(descriptor, file);
    if (file.lowerDescriptor !== undefined) this.#onLower.add(file);
    return descriptor;
  }

  /** Whether any open file still reads from the lower. */
  get hasLower(): boolean {
    return this.#onLower.size > 0;
  }

  /** Open files that still read from the lower. */
  get onLower(): readonly OpenFile[] {
    return [...this.#onLower];
  }

  /** The nodes that are open. */
  *nodes(): Generator<Node> {
    for (const { node } of this.#files.values()) if (node !== undefined) yield node;
  }

  /** Whether a node is open. */
  isOpen(node: Node): boolean {
    for (const file of this.#files.values()) if (file.node === node) return true;
    return false;
  }

  /** Whether a number is one of the overlay's, open or not. */
  isOwn(descriptor: number): boolean {
    return descriptor >= firstDescriptor && descriptor <= lastDescriptor;
  }

  /** @throws {Fault} `EBADF` when it is not open. */
  get(descriptor: number): OpenFile {
    credentials.refresh();
    const file = this.#files.get(descriptor);
    if (file === undefined) throw new Fault("EBADF");
    return file;
  }

  /** The open file of a number, if it is one of the overlay's. */
  find(descriptor: number): OpenFile | undefined {
    return this.#files.get(descriptor);
  }

  /** @throws {Fault} `EBADF` when it is not open. */
  close(descriptor: number): void {
    const file = this.get(descriptor);
    this.#forget(descriptor);
    this.#leaveLower(file);
  }

  /** Makes files that are open on a lower inode see the node that it was copied up to. */
  switchTo(node: Node, stamp: Stamp): void {
    for (const file of this.#onLower) {
      if (file.lowerDescriptor === undefined) continue;
      const stats = this.#lower.fstat(file.lowerDescriptor);
      if (stats.ino !== stamp.ino || stats.dev !== stamp.dev) continue;
      file.node = node;
      this.#leaveLower(file);
    }
  }

  /**
   * Makes files that are open on a node read from the lower again, from where it lies there: its
   * copy-up is taken back. They keep the node, which is in no tree any more, where the lower has
   * something else there by now.
   */
  returnToLower(node: Node, { dev, ino }: Stamp, place: ExistingPlace): void {
    for (const file of this.#files.values()) {
      if (file.node !== node || place.found.kind !== "lower") continue;
      const lowerDescriptor = this.#openLower(place.found.path);
      if (lowerDescriptor === undefined) continue;
      const stats = this.#lower.fstat(lowerDescriptor);
      if (stats.ino !== ino || stats.dev !== dev) this.#lower.close(lowerDescriptor);
      else {
        Object.assign(file, { node: undefined, lowerDescriptor, place });
        this.#onLower.add(file);
      }
    }
  }

  #openLower(path: string): number | undefined {
    try {
      return this.#lower.open(path);
    } catch (caught) {
      if (codeOf(caught) === undefined) throw caught;
      return undefined;
    }
  }

  /** Closes all. */
  closeAll(): void {
    for (const file of this.#onLower) this.#leaveLower(file);
    for (const descriptor of this.#files.keys()) this.#forget(descriptor);
  }

  #forget(descriptor: number): void {
    this.#files.delete(descriptor);
    taken[descriptor - firstDescriptor] = false;
  }

  #leaveLower(file: OpenFile): void {
    const { lowerDescriptor } = file;
    if (lowerDescriptor === undefined) return;
    file.lowerDescriptor = undefined;
    this.#onLower.delete(file);
    file.whenUnpinned(() => this.#lower.close(lowerDescriptor));
  }
}
