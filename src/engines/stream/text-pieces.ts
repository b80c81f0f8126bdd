import { invalid, kindOf } from "../../check-options.ts";
import { encodeText } from "../text-encoding.ts";

/**
 * Turns pieces of content into bytes. A character of two halves (a surrogate pair) may be split
 * between two strings: the first half waits for the second.
 */
export class TextPieces {
  #half = "";

  /**
   * @throws {DraftError} `DRAFT_EDIT_FAILED` for half a pair whose other half does not follow.
   */
  bytesOf(piece: Uint8Array | string): Uint8Array {
    if (typeof piece !== "string") {
      if (!(piece instanceof Uint8Array)) {
        throw invalid(
          `A stream is written from strings and Uint8Arrays, not from ${kindOf(piece)}.`,
        );
      }
      this.end();
      return piece;
    }
    const text = this.#half + piece;
    const isHalf = /[\ud800-\udbff]$/.test(text);
    this.#half = isHalf ? text.slice(-1) : "";
    return encodeText(isHalf ? text.slice(0, -1) : text, "utf-8");
  }

  /**
   * There is no more.
   *
   * @throws {DraftError} `DRAFT_EDIT_FAILED` when a half is left over.
   */
  end(): void {
    encodeText(this.#half, "utf-8");
  }
}
