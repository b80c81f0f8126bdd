import { invalid, kindOf } from "../../check-options.ts";
import { bufferContent } from "../../overlay/content/content.ts";
import type { Conflict } from "../conflict.ts";
import type { Resolution } from "./accept.ts";

/** A conflict that is left, and in a few words why: the error says it behind the path. */
export interface Undecided {
  readonly kind: "undecided";
  readonly because: string;
}

/** What a resolver makes of one conflict; `undefined` and {@link Undecided} leave it. */
export type ConflictDecision =
  /** The change is carried out over what lies there now. */
  | { readonly kind: "ours" }
  /** The change is dropped: what lies there now stays. */
  | { readonly kind: "theirs" }
  /** These bytes take the place of both. Only where the change puts a file there. */
  | { readonly kind: "content"; readonly content: Uint8Array }
  | Undecided
  | undefined;

/**
 * What a decision means for the commit.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no decision: whatever it was meant to be,
 *   it must not overwrite what lies there.
 */
export function resolutionOf(
  conflict: Conflict,
  decision: ConflictDecision,
): Resolution | Undecided | undefined {
  if (decision === undefined) return undefined;
  switch (decision?.kind) {
    case "ours":
    case "theirs":
    case "undecided":
      return decision;
    case "content":
      return withContent(conflict, decision.content);
    default:
      throw wrong(conflict, typeof decision === "string" ? decision : kindOf(decision));
  }
}

function withContent(conflict: Conflict, content: unknown): Resolution | Undecided {
  if (!(content instanceof Uint8Array)) {
    throw wrong(conflict, `{ kind: "content" } with ${kindOf(content)} for its bytes`);
  }
  if (conflict.ours?.state.kind !== "file") {
    const because = "a content was decided on, but the draft has no file there";
    return { kind: "undecided", because };
  }
  // The caller may go on using its buffer.
  return { kind: "content", content: bufferContent(new Uint8Array(content)) };
}

function wrong({ path }: Conflict, given: string): TypeError {
  return invalid(
    `The conflict of ${JSON.stringify(path)} is decided by { kind: "ours" }, { kind: "theirs" }, ` +
      `{ kind: "content", content } with a Uint8Array, or left by undefined; not by ${given}. ` +
      "Nothing was touched.",
  );
}
