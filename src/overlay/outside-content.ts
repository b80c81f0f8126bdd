import { isAbsence } from "../disk/lower.ts";
import { DraftError } from "../errors.ts";
import type { Content, LowerNode } from "./pending.ts";

/**
 * A content that reads from a lower file, for those who read it by no file-system call: what has
 * become of that file is told them as a conflict.
 */
export function outsideContent(content: Content, { path }: LowerNode): Content {
  const { size, lower, below, spilled } = content;
  const told = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ESTALE" && code !== "ELOOP" && !isAbsence(error)) throw error;
      throw new DraftError(
        "DRAFT_CONFLICT",
        `${JSON.stringify(path)} was changed or removed by another program, and the draft needs ` +
          "what was in it. Nothing was touched. Put that back, or leave what was made of it out " +
          "of the commit (--exclude), or discard.",
        { path },
      );
    }
  };
  return {
    size,
    lower,
    below,
    spilled,
    read: (buffer, position) => told(() => content.read(buffer, position)),
    dataRanges: () => told(() => Array.from(content.dataRanges?.() ?? [{ start: 0, end: size }])),
  };
}
