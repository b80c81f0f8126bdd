import { createHash } from "node:crypto";
import { DraftError } from "../../errors.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { Step } from "../plan/step.ts";

/**
 * The journal record: what an operation does to the tree, complete enough to finish it or to take
 * it back after a crash at any point, together with the pack it names.
 *
 *   record  = header payload "\n"
 *   header  = "draftfs-journal " version " " sequence " " length " " checksum "\n"
 *   version = "1"
 *   sequence = the `sequence` of the payload, so that it can be read alone
 *   length  = decimal number of bytes of the payload
 *   checksum = SHA-256 of the payload, 64 hexadecimal digits
 *   payload = JSON of JournalRecord
 *
 * Anything else is a damaged record. See `docs/format.md` for a worked example.
 */
export interface JournalRecord {
  /** Grows by one with every record; never reused, also not after an abort. */
  readonly sequence: number;
  /** `abort` takes back what was applied of the record before it. */
  readonly kind: "commit" | "abort";
  /** When the record was written, in milliseconds since the epoch. */
  readonly createdMs: number;
  /**
   * No staged file was written later than that, in milliseconds since the epoch; absent where none
   * was written after the record.
   */
  readonly stagedByMs?: number;
  /** Identifies the boot under which it was written; `""` where the system does not tell. */
  readonly bootId: string;
  /**
   * The inode of the state directory, where steps name inodes to recognise nodes by: in a copy of
   * the tree both are others.
   */
  readonly stateInode?: string;
  /** The pack with every byte that the steps need and the store lacked; `null` for none. */
  readonly pack: JournalPack | null;
  /** Where staged files lie, relative to the root; removed when the record is done. */
  readonly staging: string;
  /**
   * What the refs of the checkpoint store become; for an abort what they were, because a recovery
   * may have moved them already.
   */
  readonly refs: readonly RefUpdate[];
  readonly steps: readonly Step[];
}

export interface JournalPack {
  /** Sequence of the record that the pack was written for; names its file. */
  readonly sequence: number;
  /** SHA-1 trailer of the pack. */
  readonly checksum: string;
  /** Size in bytes. */
  readonly size: number;
}

export interface RefUpdate {
  readonly name: string;
  readonly before: ObjectId | null;
  /** `null`: there is no such ref afterwards, because there was none before. */
  readonly after: ObjectId | null;
}

const headerPattern = /^draftfs-journal (\d{1,9}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{64})\n/;
/** Bytes in which a header must have ended. */
export const recordHeadBytesMax = 128;

/** Version of the record format; raised by any change that an older reader would misread. */
export const recordVersion = 1;

/** The bytes of a record. */
export function encodeRecord(record: JournalRecord): Buffer {
  const payload = Buffer.from(JSON.stringify(record));
  const checksum = createHash("sha256").update(payload).digest("hex");
  const numbers = `${recordVersion} ${record.sequence} ${payload.length}`;
  const header = `draftfs-journal ${numbers} ${checksum}\n`;
  return Buffer.concat([Buffer.from(header), payload, Buffer.from("\n")]);
}

/**
 * The record that `bytes` hold.
 *
 * @throws {DraftError} `DRAFT_FORMAT_CORRUPT` when they are torn, truncated, changed or no record
 *   at all; `DRAFT_FORMAT_NEWER` when a later version wrote them.
 */
export function decodeRecord(bytes: Buffer, path: string): JournalRecord {
  const { start, length, checksum, sequence } = readHeader(bytes, path);
  const end = start + length;
  if (bytes.length !== end + 1 || bytes[end] !== 0x0a) throw damaged(path, "its length is wrong");
  const payload = bytes.subarray(start, end);
  if (createHash("sha256").update(payload).digest("hex") !== checksum) {
    throw damaged(path, "its checksum does not match");
  }
  const record = JSON.parse(payload.toString("utf8")) as JournalRecord;
  if (record.sequence !== sequence) throw damaged(path, "its header belongs to another record");
  return record;
}

/** What the first bytes of a record tell. */
export interface RecordHead {
  readonly sequence: number;
  /** Size of the whole record, in bytes. */
  readonly size: number;
}

/**
 * Reads the head of a record from its first {@link recordHeadBytesMax} bytes.
 *
 * @throws {DraftError} as {@link decodeRecord} does.
 */
export function readRecordHead(head: Buffer, path: string): RecordHead {
  const { sequence, start, length } = readHeader(head, path);
  return { sequence, size: start + length + 1 };
}

interface Header {
  /** Where the payload begins. */
  readonly start: number;
  readonly length: number;
  readonly checksum: string;
  readonly sequence: number;
}

function readHeader(bytes: Buffer, path: string): Header {
  const match = headerPattern.exec(bytes.toString("latin1", 0, recordHeadBytesMax));
  if (match === null) throw damaged(path, "it has no header");
  const [header, version, sequence, length, checksum = ""] = match;
  if (Number(version) > recordVersion) {
    throw new DraftError(
      "DRAFT_FORMAT_NEWER",
      `Cannot read the journal record ${path}: version ${version} is newer than ` +
        `${recordVersion}. Update draftfs. Nothing was touched.`,
      { path },
    );
  }
  if (Number(version) < recordVersion) throw damaged(path, "no version of it was ever that low");
  return { start: header.length, length: Number(length), checksum, sequence: Number(sequence) };
}

function damaged(path: string, reason: string): DraftError {
  return new DraftError(
    "DRAFT_FORMAT_CORRUPT",
    `Cannot trust the journal record ${path}: ${reason}. It was durable before it got its name, ` +
      "so this is damage, not a crash. Nothing was touched. Check the disk; see docs/recovery.md.",
    { path },
  );
}
