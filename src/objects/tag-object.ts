import { DraftError } from "../errors.ts";
import type { ObjectId, ObjectKind } from "./object-id.ts";

/**
 * What an annotated tag stands for. We write none; a user may.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the bytes are no tag.
 */
export function targetOfTag(bytes: Buffer): { readonly oid: ObjectId; readonly kind: ObjectKind } {
  const pattern = /^object ([0-9a-f]{40})\ntype (blob|tree|commit|tag)\n/;
  const [, oid, kind] = pattern.exec(bytes.toString("latin1")) ?? [];
  if (oid !== undefined && kind !== undefined) return { oid, kind: kind as ObjectKind };
  throw new DraftError(
    "DRAFT_STORE_CORRUPT",
    "Cannot read a tag of the checkpoint store: it is damaged. Run draftfs verify.",
  );
}
