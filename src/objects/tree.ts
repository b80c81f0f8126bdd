import { decodeName } from "../disk/names.ts";
import { DraftError } from "../errors.ts";
import type { ObjectId } from "./object-id.ts";
import { decodeTreeName, encodeTreeName } from "./tree-name.ts";

/**
 * Modes that a git tree knows: file, executable file, symlink, directory. The last two are never
 * ours, but a user may commit to the branch: a submodule, and what old versions of git wrote.
 */
export type TreeMode = "100644" | "100755" | "120000" | "40000" | "160000" | "100664";

/** A name in a git tree. */
export interface TreeEntry {
  readonly mode: TreeMode;
  readonly oid: ObjectId;
}

/** The id of the tree with no entries. */
export const emptyTreeOid: ObjectId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

const idBytes = 20;

/** The bytes of a tree with these entries, by their decoded names. */
export function encodeTree(entries: ReadonlyMap<string, TreeEntry>): Buffer {
  const rows: Row[] = [];
  let size = 0;
  for (const [name, entry] of entries) {
    const bytes = encodeTreeName(name);
    rows.push({ name: bytes, order: orderOf(bytes, entry), entry });
    size += entry.mode.length + 1 + bytes.length + 1 + idBytes;
  }
  rows.sort((a, b) => Buffer.compare(a.order, b.order));
  const buffer = Buffer.allocUnsafeSlow(size);
  let position = 0;
  for (const { name, entry } of rows) {
    position += buffer.write(`${entry.mode} `, position, "latin1");
    buffer.set(name, position);
    position += name.length;
    buffer[position++] = 0;
    position += buffer.write(entry.oid, position, "hex");
  }
  return buffer;
}

/**
 * The entries of a tree by their decoded names, in the order of the tree.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the bytes are no tree that we write.
 */
export function parseTree(bytes: Buffer): Map<string, TreeEntry> {
  const entries = new Map<string, TreeEntry>();
  for (const { mode, name, oid } of rawEntries(bytes)) {
    if (!isTreeMode(mode)) throw damaged();
    entries.set(decodeTreeName(decodeName(name)), { mode, oid });
  }
  return entries;
}

/**
 * The objects that a tree leads to. It may be a user's own and hold what we never write, such as
 * submodules, whose commits lie in another repository.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the bytes are no tree at all.
 */
export function* linksOfTree(bytes: Buffer): Generator<{ kind: "tree" | "blob"; oid: ObjectId }> {
  for (const { mode, oid } of rawEntries(bytes)) {
    if (mode === submoduleMode) continue;
    yield { kind: mode === "40000" ? "tree" : "blob", oid };
  }
}

/** The mode of a submodule: its object is a commit, which lies in another repository. */
export const submoduleMode = "160000";

interface RawEntry {
  readonly mode: string;
  readonly name: Buffer;
  readonly oid: ObjectId;
}

function* rawEntries(bytes: Buffer): Generator<RawEntry> {
  for (let position = 0; position < bytes.length; ) {
    const space = bytes.indexOf(0x20, position);
    const nul = bytes.indexOf(0, space);
    const end = nul + 1 + idBytes;
    const mode = bytes.toString("latin1", position, space);
    if (space < 0 || nul < 0 || end > bytes.length || !/^[0-7]{5,6}$/.test(mode)) throw damaged();
    const name = bytes.subarray(space + 1, nul);
    yield { mode, name, oid: bytes.toString("hex", nul + 1, end) };
    position = end;
  }
}

function damaged(): DraftError {
  return new DraftError(
    "DRAFT_STORE_CORRUPT",
    "Cannot read a tree of the checkpoint store: it is damaged. Run draftfs verify.",
  );
}

function isTreeMode(mode: string): mode is TreeMode {
  return treeModes.has(mode);
}

const treeModes: ReadonlySet<string> = new Set<TreeMode>([
  "100644",
  "100755",
  "120000",
  "40000",
  submoduleMode,
  "100664",
]);

interface Row {
  readonly name: Uint8Array;
  /** What the name is sorted by. */
  readonly order: Uint8Array;
  readonly entry: TreeEntry;
}

const slash = Buffer.from("/");

/** Git sorts a directory as if its name ended with a slash. */
function orderOf(name: Uint8Array, { mode }: TreeEntry): Uint8Array {
  return mode === "40000" ? Buffer.concat([name, slash]) : name;
}
