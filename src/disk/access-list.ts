import type { Disk } from "./disk.ts";

/** Where Linux keeps the access list of a node. */
export const ownList = "system.posix_acl_access";
/** Where it keeps, of a directory, the one that what is made in it gets. */
export const defaultList = "system.posix_acl_default";

/** One entry, as in `struct posix_acl_xattr_entry`. */
export interface AccessEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

const headerBytes = 4;
const entryBytes = 8;
const version = 2;
/** Whom an entry is about. */
export const accessTags = { owner: 0x01, group: 0x04, mask: 0x10, other: 0x20 } as const;

/** The entries of an access list. */
export function parseAccessList(list: Uint8Array): AccessEntry[] {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  const entries: AccessEntry[] = [];
  for (let at = headerBytes; at + entryBytes <= list.length; at += entryBytes) {
    const tag = view.getUint16(at, true);
    entries.push({
      tag,
      permissions: view.getUint16(at + 2, true),
      id: view.getUint32(at + 4, true),
    });
  }
  return entries;
}

/** The access list of these entries. */
export function encodeAccessList(entries: readonly AccessEntry[]): Uint8Array {
  const list = new Uint8Array(headerBytes + entries.length * entryBytes);
  const view = new DataView(list.buffer);
  view.setUint32(0, version, true);
  entries.forEach(({ tag, permissions, id }, index) => {
    const at = headerBytes + index * entryBytes;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  });
  return list;
}

/** Takes the default access list of a directory away: what is made in it is to go elsewhere. */
export function clearDefaultAccess(disk: Disk, directory: string): void {
  const { attributes } = disk;
  if (attributes?.read(directory)?.has(defaultList) !== true) return;
  attributes.write(directory, defaultList, encodeAccessList([]));
}
