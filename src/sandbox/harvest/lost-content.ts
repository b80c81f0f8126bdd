import { constants } from "node:os";
import { placeOnly } from "../../disk/stamp.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import { Fault } from "../../overlay/file-system-error.ts";
import type { Content, LowerNode } from "../../overlay/pending/pending.ts";
import { wayTo } from "../../ways.ts";

/**
 * Whether the server of FUSE was to read a file of the disk that is not what it was: Node has no
 * name for this error.
 */
export function isStale(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).errno === -constants.errno.ESTALE;
}

/**
 * Why the bytes of a harvested file cannot be read any more, as an error for whoever reads them;
 * `undefined` where it may go better another time.
 *
 * @param place of the file on the disk that it was, or is in parts.
 */
export function lossOf(error: unknown, place: TreePath): Fault | DraftError | undefined {
  // Those who read without a call of the file system are told of a conflict by the layer.
  if (isStale(error)) {
    const reason = "the file below the overlay was changed by another program";
    return new Fault("ESTALE", { reason });
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOTCONN" && code !== "ECONNABORTED") return undefined;
  return new DraftError(
    "DRAFT_SANDBOX_FAILED",
    `What a command wrote to ${JSON.stringify(place)} cannot be read: the sandbox that held it ` +
      "has ended unexpectedly. The real tree is untouched. Run the command again, or leave the " +
      `file out of the commit with ${wayTo("exclude")}, or discard.`,
    { path: place, cause: error },
  );
}

/**
 * The content of a lower file as it was before somebody changed it, which nobody has any more. The
 * layer looks for it at its place and finds something else: a conflict for the diff and the commit.
 *
 * @param place of the file in the lower.
 */
export function lostContent(place: TreePath, size: number): Content {
  return { size, lower: nodeAt(place, size), spilled: undefined, read: () => 0 };
}

/** A lower file of which no more is known than where it was: no file is taken for it. */
export function nodeAt(path: TreePath, size: number): LowerNode {
  return { path, stamp: placeOnly(size) };
}
