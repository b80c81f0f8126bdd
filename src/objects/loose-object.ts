import { inflateSync } from "node:zlib";
import type { Disk } from "../disk/disk.ts";
import { DraftError } from "../errors.ts";
import type { ObjectId, ObjectKind } from "./object-id.ts";
import type { GitObject } from "./pack-file.ts";

/** Where git keeps an object that is in no pack. We write none; a user's own git may. */
export function loosePathOf(objects: string, oid: ObjectId): string {
  return `${objects}/${oid.slice(0, 2)}/${oid.slice(2)}`;
}

/**
 * Reads a loose object: a zlib stream of `<kind> <size>\0<bytes>`.
 *
 * @returns `undefined` when there is none.
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when it is damaged.
 */
export function readLooseObject(disk: Disk, objects: string, oid: ObjectId): GitObject | undefined {
  const path = loosePathOf(objects, oid);
  if (disk.lstat(path) === undefined) return undefined;
  try {
    const whole = inflateSync(disk.readFile(path));
    const end = whole.indexOf(0);
    const [kind, size] = whole.toString("latin1", 0, Math.max(0, end)).split(" ");
    const bytes = whole.subarray(end + 1);
    if (isKind(kind) && Number(size) === bytes.length) return { kind, bytes };
  } catch (error) {
    throw corrupt(path, error);
  }
  throw corrupt(path);
}

function isKind(text: string | undefined): text is ObjectKind {
  return text === "blob" || text === "tree" || text === "commit" || text === "tag";
}

function corrupt(path: string, cause?: unknown): DraftError {
  return new DraftError(
    "DRAFT_STORE_CORRUPT",
    `Cannot read the object ${path}: it is damaged. Run draftfs verify.`,
    { path, cause },
  );
}
