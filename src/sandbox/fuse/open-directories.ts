import { encodePath } from "../../disk/names.ts";
import { childOf } from "../../disk/tree-path.ts";
import type { BackendEntry, FuseBackend } from "./backend.ts";
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
}

/** The directories that are open on a FUSE mount, by their handles. */
export class OpenDirectories {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #buffer: Buffer;
  readonly #open = new Map<bigint, OpenDirectory>();
  #lastHandle = 0n;

  /** @param buffer takes what is read; valid until the next answer. */
  constructor(backend: FuseBackend, nodes: NodeTable, buffer: Buffer) {
    this.#backend = backend;
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

  /** Entries from a snapshot, as getdents promises no more. */
  read({ nodeId, body }: Request, withAttributes: boolean): Buffer {
    const directory = this.#open.get(body.readBigUInt64LE(0));
    const entries = directory === undefined ? [] : this.#entriesOf(directory);
    const sizeMax = Math.min(body.readUInt32LE(16), transferBytesMax);
    const parent = this.#nodes.get(nodeId);
    const parentPath = this.#nodes.pathOf(parent) ?? "";
    const target = this.#buffer;
    let length = 0;
    for (let index = Number(body.readBigUInt64LE(8)); index < entries.length; index++) {
      const entry = entries[index] as BackendEntry;
      const name = bytesOf(entry.name);
      const bytes = directoryEntryBytes(name.length) + (withAttributes ? entryBytes : 0);
      if (length + bytes > sizeMax) break;
      let offset = length;
      if (withAttributes && index < ownEntries) {
        // The kernel counts no reference for these two, and wants no attributes of them.
        target.fill(0, offset, offset + entryBytes);
        offset += entryBytes;
      } else if (withAttributes) {
        this.#writeEntryWithAttributes(
          { parent, path: childOf(parentPath, entry.name) },
          entry,
          offset,
        );
        offset += entryBytes;
      }
      const { ino, mode } = entry;
      writeDirectoryEntry(target, offset, { ino, position: index + 1, type: mode >> 12 }, name);
      length += bytes;
    }
    return target.subarray(0, length);
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
