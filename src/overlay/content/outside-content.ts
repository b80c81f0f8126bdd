import { isAbsence } from "../../disk/error-codes.ts";
import { DraftError } from "../../errors.ts";
import { wayTo } from "../../ways.ts";
import type { Content, LowerNode } from "../pending/pending.ts";

/** By what they tell of: whoever is handed a content again knows it. */
const told = new WeakMap<Content, Content>();

/**
 * A content that reads from a lower file, for those who read it by no file-system call: what has
 * become of that file is told them as a conflict.
 */
export function outsideContent(content: Content, needed: LowerNode): Content {
  const known = told.get(content);
  if (known !== undefined) return known;
  const made = tellingContent(content, needed);
  told.set(content, made);
  return made;
}

function tellingContent(content: Content, { path }: LowerNode): Content {
  const { size, below, spilled } = content;
  const tell = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ESTALE" && code !== "ELOOP" && !isAbsence(error)) throw error;
      throw new DraftError(
        "DRAFT_CONFLICT",
        `${JSON.stringify(path)} was changed or removed by another program, and the draft needs ` +
          "what was in it. Nothing was touched. Put that back, or leave what was made of it out " +
          `of the commit with ${wayTo("exclude")}, or discard.`,
        { path },
      );
    }
  };
  return {
    size,
    // Known of some contents only when they have been read.
    get lower() {
      return content.lower;
    },
    below,
    spilled,
    read: (buffer, position) => tell(() => content.read(buffer, position)),
    dataRanges: () => tell(() => Array.from(content.dataRanges?.() ?? [{ start: 0, end: size }])),
  };
}
