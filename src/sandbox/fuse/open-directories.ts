import { encodePath } from "../../disk/names.ts";
import { childOf } from "../../disk/tree-path.ts";
import type { BackendEntry, FuseBackend } from "./backend.ts";
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

interface OpenDirectory {
  readonly nodeId: bigint;
  /** Taken when the first of them are asked for: what the kernel has cached it never asks for. */
  entries?: readonly BackendEntry[];
  /** Whether whoever lists it wants the attributes that the kernel asks for. */
  withAttributes?: boolean;
}

/** The directories that are open on a FUSE mount, by their handles. */
export class OpenDirectories {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #buffer: Buffer;
  readonly #open = new Map<bigint, OpenDirectory>();
  readonly #habits: ListingHabits;
  #lastHandle = 0n;

  /** @param buffer takes what is read; valid until the next answer. */
  constructor(backend: FuseBackend, nodes: NodeTable, habits: ListingHabits, buffer: Buffer) {
    this.#backend = backend;
    this.#habits = habits;
    this.#nodes = nodes;
    this.#buffer = buffer;
  }

  /** Returns a new handle. */
  open(nodeId: bigint): bigint {
    this.#lastHandle += 1n;
    this.#open.set(this.#lastHandle, { nodeId });
    return this.#lastHandle;
  }

  release(handle: bigint): void {
    this.#open.delete(handle);
  }

  /**
   * Entries from a snapshot, as getdents promises no more.
   *
   * @param isPlus whether the kernel asks for attributes, or for room for them at least.
   */
  read(request: Request, isPlus: boolean): Buffer {
    const { nodeId, body } = request;
    const directory = this.#open.get(body.readBigUInt64LE(0));
    const entries = directory === undefined ? [] : this.#entriesOf(directory);
    const withAttributes = isPlus && this.#wantsAttributes(directory, request);
    const sizeMax = Math.min(body.readUInt32LE(16), transferBytesMax);
    const parent = this.#nodes.get(nodeId);
    const parentPath = this.#nodes.pathOf(parent) ?? "";
    const target = this.#buffer;
    let length = 0;
    for (let index = Number(body.readBigUInt64LE(8)); index < entries.length; index++) {
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
      writeDirectoryEntry(target, offset, { ino, position: index + 1, type: mode >> 12 }, name);
      length += bytes;
    }
    return target.subarray(0, length);
  }

  #wantsAttributes(directory: OpenDirectory | undefined, { pid, nodeId }: Request): boolean {
    if (directory?.entries === undefined) return false;
    directory.withAttributes ??= this.#habits.wantsAttributes(
      pid,
      nodeId,
      directory.entries.length - ownEntries,
    );
    return directory.withAttributes;
  }

  #entriesOf(directory: OpenDirectory): readonly BackendEntry[] {
    const { nodeId } = directory;
    const self = { mode: directoryType, ino: nodeId };
    // A directory that was removed while it is open has no names.
    const path = this.#nodes.pathOf(this.#nodes.get(nodeId));
    directory.entries ??= [
      { name: ".", ...self },
      { name: "..", ...self },
      ...(path === undefined ? [] : this.#backend.list(path)),
    ];
    return directory.entries;
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
      // Gone since the directory was opened: a name without attributes, which the kernel looks up.
      this.#buffer.fill(0, offset, offset + entryBytes);
    }
  }
}

function bytesOf(name: string): Buffer {
  const encoded = encodePath(name);
  return typeof encoded === "string" ? Buffer.from(encoded) : encoded;
}
