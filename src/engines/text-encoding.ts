import { isUtf8 } from "node:buffer";
import { DraftError } from "../errors.ts";

/** How text is written in a file. Everything without a UTF-16 mark is taken as UTF-8. */
export type TextEncoding = "utf-8" | "utf-16le" | "utf-16be";

/** The encoding that the first bytes of a file announce. */
export function textEncodingOf(head: Uint8Array): TextEncoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  return "utf-8";
}

/** Bytes of a text unit: matches in UTF-16 start at even positions only. */
export function unitBytesOf(encoding: TextEncoding): 1 | 2 {
  return encoding === "utf-8" ? 1 : 2;
}

/**
 * The bytes of a text, without a byte order mark.
 *
 * @throws {DraftError} `DRAFT_EDIT_FAILED` for half a surrogate pair, which no file can hold.
 */
export function encodeText(text: string, encoding: TextEncoding): Buffer {
  if (/\p{Surrogate}/u.test(text)) {
    throw new DraftError(
      "DRAFT_EDIT_FAILED",
      "Cannot write the text: it holds half a surrogate pair, which would be lost. " +
        "Give whole characters, or use a byte edit.",
    );
  }
  if (encoding === "utf-8") return Buffer.from(text, "utf8");
  const bytes = Buffer.from(text, "utf16le");
  return encoding === "utf-16le" ? bytes : bytes.swap16();
}

/** The text of bytes; undecodable bytes become U+FFFD, and a byte order mark is left out. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding): string {
  return new TextDecoder(encoding).decode(bytes);
}

/** Whether bytes are text: valid in their encoding, and without NUL. */
export function isText(bytes: Uint8Array): boolean {
  const encoding = textEncodingOf(bytes);
  if (encoding === "utf-8") return !bytes.includes(0) && isUtf8(bytes);
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
