import { createHash } from "node:crypto";

/** Git's object id: the SHA-1 of `<kind> <size>\0<bytes>`, as 40 hexadecimal digits. */
export type ObjectId = string;

export type ObjectKind = "blob" | "tree" | "commit";

/** The object id of bytes held in memory. */
export function objectIdOf(kind: ObjectKind, bytes: Uint8Array): ObjectId {
  return createHash("sha1").update(`${kind} ${bytes.length}\0`).update(bytes).digest("hex");
}
