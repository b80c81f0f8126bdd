import { encodePath } from "../../disk/names.ts";
import { childOf } from "../../disk/tree-path.ts";
import type { BackendEntry, FuseBackend, LowerDirectory, LowerSign } from "./backend.ts";
import type { ListingHabits } from "./listing-habits.ts";
import type { FuseNode, NodeTable } from "./node-table.ts";
import {
  directoryEntryBytes,
  directoryType,
  entryBytes,
  type Request,
  transferBytesMax,
  writeDirectoryEntry,
  writeEntry,
} from "./protocol.ts";

/** `.` and `..` come first in every listing. */
const ownEntries = 2;

/** A file system stamps changes with a clock that lags by up to one tick of 100 Hz. */
const clockTickNs = 10_000_000n;

/** What the kernel was told of a directory. */
interface Listing {
  /** In the order of their positions. */
  readonly entries: readonly BackendEntry[];
  /** Where they stand, which stays the same as long as they do: 1, 2, 3… where it is missing. */
  readonly positions: readonly number[] | undefined;
  readonly lastPosition: number;
  /** Of the lower before it was read; `undefined` when a change could have gone unseen since. */
  sign: string | undefined;
  /** Whether whoever lists it wants the attributes that the kernel asks for. */
  withAttributes?: boolean;
}

/**
 * The listings of the directories on a FUSE mount. The kernel keeps them and asks again when it has
 * changed a directory itself; it says neither when one is opened nor when it is closed. So a
 * listing belongs to the directory and not to who reads it, and a name stands at the same position
 * in every one, as in a tmpfs: whoever is in the middle of the last one goes on in the next.
 */
export class DirectoryListings {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #buffer: Buffer;
  readonly #habits: ListingHabits;
  /** Until the kernel forgets the node, which it does not while anybody has it open. */
  readonly #listings = new WeakMap<FuseNode, Listing>();

  /** @param buffer takes what is read; valid until the next answer. */
  constructor(backend: FuseBackend, nodes: NodeTable, habits: ListingHabits, buffer: Buffer) {
    this.#backend = backend;
    this.#habits = habits;
    this.#nodes = nodes;
    this.#buffer = buffer;
  }

  /**
   * Whether the lower has changed below a directory since the kernel was told what is in it. Says
   * so once.
   *
   * @param findLower finds what shows through in it.
   */
  isStale(node: FuseNode, findLower: () => LowerDirectory | undefined): boolean {
    const listing = this.#listings.get(node);
    if (listing === undefined) return false;
    const sign = signOf(findLower());
    if (listing.sign === sign.text) return false;
    listing.sign = settled(sign);
    return true;
  }

  /**
   * Entries from a snapshot, as getdents promises no more.
   *
   * @param isPlus whether the kernel asks for attributes, or for room for them at least.
   */
  read(request: Request, isPlus: boolean): Buffer {
    const { nodeId, body } = request;
    const parent = this.#nodes.get(nodeId);
    const position = Number(body.readBigUInt64LE(8));
    const listing = this.#listingFrom(parent, position);
    const { entries, positions } = listing;
    const withAttributes = isPlus && this.#wantsAttributes(listing, request);
    const sizeMax = Math.min(body.readUInt32LE(16), transferBytesMax);
    const parentPath = this.#nodes.pathOf(parent) ?? "";
    const target = this.#buffer;
    let length = 0;
    for (let index = indexAfter(listing, position); index < entries.length; index++) {
      const entry = entries[index] as BackendEntry;
      const name = bytesOf(entry.name);
      const bytes = directoryEntryBytes(name.length) + (isPlus ? entryBytes : 0);
      if (length + bytes > sizeMax) break;
      let offset = length;
      if (isPlus) {
        // The kernel counts no reference for the first two, and wants no attributes of them.
        const path = index < ownEntries ? undefined : childOf(parentPath, entry.name);
        if (withAttributes && path !== undefined) {
          this.#writeEntryWithAttributes({ parent, path }, entry, offset);
        } else {
          target.fill(0, offset, offset + entryBytes);
        }
        offset += entryBytes;
      }
      const { ino, mode } = entry;
      const at = positions?.[index] ?? index + 1;
      writeDirectoryEntry(target, offset, { ino, position: at, type: mode >> 12 }, name);
      length += bytes;
    }
    return target.subarray(0, length);
  }

  #wantsAttributes(listing: Listing, { pid, nodeId }: Request): boolean {
    const names = listing.entries.length - ownEntries;
    listing.withAttributes ??= this.#habits.wantsAttributes(pid, nodeId, names);
    return listing.withAttributes;
  }

  /** A new listing at the beginning of a directory, and the last one further on. */
  #listingFrom(node: FuseNode, position: number): Listing {
    const known = this.#listings.get(node);
    if (known !== undefined && position > 0) return known;
    const self = { mode: directoryType, ino: node.id };
    const own = [
      { name: ".", ...self },
      { name: "..", ...self },
    ];
    // A directory that was removed while it is open has no names.
    const path = this.#nodes.pathOf(node);
    const sign =
      path === undefined ? undefined : settled(signOf(this.#backend.lowerDirectory(path)));
    const entries = path === undefined ? own : [...own, ...this.#backend.list(path)];
    const listing = { ...(known === undefined ? dense(entries) : placed(entries, known)), sign };
    this.#listings.set(node, listing);
    return listing;
  }

  #writeEntryWithAttributes(
    { parent, path }: { readonly parent: FuseNode; readonly path: string },
    entry: BackendEntry,
    offset: number,
  ): void {
    try {
      const attributes = this.#backend.stat(path);
      const node = this.#nodes.reference(parent, entry.name, attributes);
      writeEntry(this.#buffer, offset, node.id, attributes);
    } catch {
      // Gone since the directory was listed: a name without attributes, which the kernel looks up.
      this.#buffer.fill(0, offset, offset + entryBytes);
    }
  }
}

type Placed = Pick<Listing, "entries" | "positions" | "lastPosition">;

function dense(entries: readonly BackendEntry[]): Placed {
  return { entries, positions: undefined, lastPosition: entries.length };
}

/** Entries at the positions that they had before; new ones come last. */
function placed(entries: readonly BackendEntry[], before: Listing): Placed {
  const isSame =
    before.positions === undefined &&
    entries.length === before.entries.length &&
    entries.every(({ name }, index) => name === before.entries[index]?.name);
  if (isSame) return dense(entries);
  const known = new Map(
    before.entries.map(({ name }, index) => [name, before.positions?.[index] ?? index + 1]),
  );
  let { lastPosition } = before;
  const rows = entries.map((entry) => {
    const position = known.get(entry.name) ?? ++lastPosition;
    return { entry, position };
  });
  rows.sort((one, other) => one.position - other.position);
  return {
    entries: rows.map(({ entry }) => entry),
    positions: rows.map(({ position }) => position),
    lastPosition,
  };
}

/** Index of the first entry behind a position. */
function indexAfter({ entries, positions }: Listing, position: number): number {
  if (positions === undefined) return position;
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] as number) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Of nothing as well. */
function signOf(lower: LowerDirectory | undefined): LowerSign {
  return lower?.sign ?? { text: "", changedNs: 0n };
}

/** The sign, unless another change could come in the same tick of the clock. */
function settled({ text, changedNs }: LowerSign): string | undefined {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  return nowNs - changedNs < 2n * clockTickNs ? undefined : text;
}

function bytesOf(name: string): Buffer {
  const encoded = encodePath(name);
  return typeof encoded === "string" ? Buffer.from(encoded) : encoded;
}
