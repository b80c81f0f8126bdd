import { createHash, type Hash, hash } from "node:crypto";

/** Git's object id: the SHA-1 of `<kind> <size>\0<bytes>`, as 40 hexadecimal digits. */
export type ObjectId = string;

/** Tags are never ours, but a user may tag what is to be kept. */
export type ObjectKind = "blob" | "tree" | "commit" | "tag";

/** What {@link objectIdOf} copies to hash in one call; larger objects are hashed where they lie. */
const oneShotBytesMax = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(oneShotBytesMax + 32);

/** The object id of bytes held in memory. */
export function objectIdOf(kind: ObjectKind, bytes: Uint8Array): ObjectId {
  if (bytes.length > oneShotBytesMax) {
    return startObjectHash(kind, bytes.length).update(bytes).digest("hex");
  }
  // One call on contiguous bytes costs two thirds of createHash, update, update, digest.
  const start = scratch.write(objectHeader(kind, bytes.length), 0, "latin1");
  scratch.set(bytes, start);
  return hash("sha1", scratch.subarray(0, start + bytes.length), "hex");
}

/** A running hash for an object of known size whose bytes come in pieces. */
export function startObjectHash(kind: ObjectKind, size: number): Hash {
  return createHash("sha1").update(objectHeader(kind, size), "latin1");
}

function objectHeader(kind: ObjectKind, size: number): string {
  return `${kind} ${size}\0`;
}
