import { createHash } from "node:crypto";

/**
 * Whether two index files of git say the same: the same paths with the same modes, contents, stages
 * and flags, and the same extensions but for those that hold nothing of their own. What is no index
 * from end to end, or a part of one (a split index), says the same as nothing.
 *
 * `git status` writes the index anew to remember times and inodes of the files that it looked at.
 */
export function isSameIndex(one: Uint8Array, other: Uint8Array): boolean {
  const id = indexIdOf(one);
  return id !== undefined && id === indexIdOf(other);
}

/**
 * Identifies what an index says: two of one id say the same, as {@link isSameIndex} has it.
 * `undefined` for what is no index, or a part of one.
 */
export function indexIdOf(bytes: Uint8Array): string | undefined {
  const lines = linesOf(bytes);
  if (lines === undefined) return undefined;
  const hash = createHash("sha256");
  // Paths may hold line feeds, but no NUL.
  for (const line of lines) hash.update(line, "latin1").update("\0");
  return hash.digest("hex");
}

/**
 * What an index says, each entry and extension a line; `undefined` where it cannot be told.
 *
 *   index     = "DIRC" version:u32 count:u32 entry{count} extension* checksum
 *   entry     = times, dev, ino: 24 bytes, mode:u32 uid, gid, size: 12 bytes
 *               oid flags:u16 [more:u16 if flags has 0x4000] name
 *   name      = path NUL, to a multiple of 8 bytes an entry (version 2, 3)
 *             | dropped:varint rest NUL                     (version 4)
 *   extension = signature:4 size:u32 bytes{size}
 *
 * Specified in https://git-scm.com/docs/index-format.
 */
function linesOf(bytes: Uint8Array): string[] | undefined {
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const oidBytes = oidBytesOf(index);
  if (oidBytes === undefined) return undefined;
  const reader = new Reader(index.subarray(0, index.length - oidBytes));
  try {
    return readLines(reader, oidBytes);
  } catch (error) {
    if (error instanceof NoIndexError) return undefined;
    throw error;
  }
}

/** SHA-1 or SHA-256, whichever the checksum at the end is of; git may leave it out (zeros). */
function oidBytesOf(index: Buffer): number | undefined {
  for (const [algorithm, length] of [["sha1", 20] as const, ["sha256", 32] as const]) {
    if (index.length < headerBytes + length) return undefined;
    const end = index.length - length;
    const sum = createHash(algorithm).update(index.subarray(0, end)).digest();
    if (sum.equals(index.subarray(end))) return length;
  }
  return undefined;
}

function readLines(reader: Reader, oidBytes: number): string[] {
  if (reader.text(4) !== "DIRC") throw new NoIndexError();
  const version = reader.number(4);
  if (version < 2 || version > 4) throw new NoIndexError();
  const count = reader.number(4);
  const lines: string[] = [];
  let path = "";
  for (let at = 0; at < count; at++) {
    const start = reader.position;
    reader.skip(24);
    const mode = reader.number(4);
    reader.skip(12);
    const oid = reader.hex(oidBytes);
    const flags = reader.number(2);
    if (version === 2 && (flags & extendedFlag) !== 0) throw new NoIndexError();
    const more = (flags & extendedFlag) === 0 ? 0 : reader.number(2);
    if (version === 4) {
      const kept = path.length - reader.varint();
      if (kept < 0) throw new NoIndexError();
      path = path.slice(0, kept) + reader.untilNul();
    } else {
      path = reader.untilNul();
      reader.pad(start);
    }
    lines.push(`${mode} ${oid} ${flags & ownFlags} ${more} ${path}`);
  }
  while (!reader.isAtEnd) {
    const signature = reader.text(4);
    const content = reader.hex(reader.number(4));
    // The entries of a split index stand in another file.
    if (signature === "link") throw new NoIndexError();
    if (!caches.has(signature)) lines.push(`${signature} ${content}`);
  }
  return lines;
}

const headerBytes = 12;
const extendedFlag = 0x4000;

/** Assume-valid and the stage: not the length of the name, nor whether more flags follow. */
const ownFlags = 0xb000;

/** Trees, untracked files, a file system monitor and offsets: git finds them all out again. */
const caches: ReadonlySet<string> = new Set(["TREE", "UNTR", "FSMN", "EOIE", "IEOT"]);

class NoIndexError extends Error {}

/** Reads from front to end. @throws {NoIndexError} where something is not there. */
class Reader {
  readonly #bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.position === this.#bytes.length;
  }

  skip(length: number): void {
    this.#take(length);
  }

  number(length: number): number {
    return this.#take(length).readUIntBE(0, length);
  }

  text(length: number): string {
    return this.#take(length).toString("latin1");
  }

  hex(length: number): string {
    return this.#take(length).toString("hex");
  }

  /** An offset as packs encode it: each further byte begins where the shorter form ends. */
  varint(): number {
    let byte = this.number(1);
    let value = byte & 0x7f;
    while ((byte & 0x80) !== 0) {
      byte = this.number(1);
      value = (value + 1) * 128 + (byte & 0x7f);
      if (value > this.#bytes.length) throw new NoIndexError();
    }
    return value;
  }

  /** One letter a byte. */
  untilNul(): string {
    const end = this.#bytes.indexOf(0, this.position);
    if (end < 0) throw new NoIndexError();
    const text = this.text(end - this.position);
    this.skip(1);
    return text;
  }

  /** Skips zeros to a multiple of eight bytes from `start`. */
  pad(start: number): void {
    while ((this.position - start) % 8 !== 0) if (this.number(1) !== 0) throw new NoIndexError();
  }

  #take(length: number): Buffer {
    const end = this.position + length;
    if (end > this.#bytes.length) throw new NoIndexError();
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }
}
