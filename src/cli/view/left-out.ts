import { isInRepository } from "../../commit/patch/git-names.ts";
import type { Change, Diff } from "../../index.ts";
import { patchContentBytesMax } from "../../limits.ts";
import { printable } from "../terminal.ts";
import { countText } from "./quantities.ts";

/** How many paths a note names; the document of `--json` has them all. */
const namedPathsMax = 5;

/** A line about what no commit carries out, at these paths; empty when there is nothing. */
export function unsupportedNote(paths: readonly string[] = []): string {
  if (paths.length === 0) return "";
  return `draftfs: fifos, sockets and devices are not committed: ${listText(paths)}.\n`;
}

/** Lines about what of a diff `git apply` does not take from its patch; empty when it takes all. */
export function patchNotes({ changes }: Diff): string {
  const own = changes.filter((change) => !isDirectory(change) && isInRepository(change.path));
  const large = changes.filter(isTooLarge).map(({ path }) => path);
  const notes: string[] = [];
  if (own.length > 0) {
    notes.push(
      `draftfs: ${countText(own.length, "path")} of a git repository (.git): in the patch behind ` +
        '"# ", for git apply takes none. draftfs plan and apply carry them over.\n',
    );
  }
  if (large.length > 0) {
    notes.push(
      `draftfs: too large for a patch, git apply will refuse it: ${listText(large)}. ` +
        "draftfs plan and apply carry them over.\n",
    );
  }
  return notes.join("");
}

function isTooLarge(change: Change): boolean {
  if (isInRepository(change.path)) return false;
  if (change.kind === "rename" && !change.aspects.includes("content")) return false;
  if (change.kind === "modify" && !/content|type/.test(change.aspects.join())) return false;
  return sidesOf(change).some((side) => side.kind === "file" && side.size > patchContentBytesMax);
}

function isDirectory(change: Change): boolean {
  return sidesOf(change).every(({ kind }) => kind === "directory");
}

function sidesOf(change: Change) {
  if (change.kind === "create") return [change.after.state];
  if (change.kind === "delete") return [change.before.state];
  return [change.before.state, change.after.state];
}

function listText(paths: readonly string[]): string {
  const named = paths.slice(0, namedPathsMax).map(printable);
  const more = paths.length - named.length;
  return named.join(", ") + (more > 0 ? `, and ${more} more` : "");
}
