import { encodePath } from "../disk/names.ts";

/**
 * Names in git trees. Any name that a disk can hold must be recorded, but git refuses some of them
 * in trees, above all `.git` in every spelling that some file system folds to it (git's
 * `verify_path`, `is_hfs_dotgit`, `is_ntfs_dotgit`). Such a name, and one that looks like an
 * escaped one, is percent-encoded: `.git` is recorded as `%2Egit`. All others stand as they are.
 */
const looksEscaped = /%[0-9A-F]{2}/;
const worthALook = /git|gi[0-9a-f]{4}~|%/i;

/** Code points that HFS+ ignores when it compares names. */
const ignoredByHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** What git refuses, drawn a little wider than git does; `\` separates names for Windows. */
const refused = /(?:^|\\)(?:\.git(?:modules|attributes)?(?:[\s.:\\]|$)|gi[^\\]*~\d)/;

/** The bytes of `name` in a git tree. */
export function encodeTreeName(name: string): Uint8Array {
  const safe = mustEscape(name) ? name.replace(/[%.~\\]/g, escapeOf) : name;
  const exact = encodePath(safe);
  return typeof exact === "string" ? Buffer.from(exact) : exact;
}

/** The name that a name in a git tree stands for. */
export function decodeTreeName(recorded: string): string {
  if (!looksEscaped.test(recorded)) return recorded;
  return recorded.replace(/%([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function mustEscape(name: string): boolean {
  // Almost every name leaves here. The ignored code points could hide "git" from the quick look.
  const plain = ignoredByHfs.test(name) ? name.replace(ignoredByHfs, "") : name;
  ignoredByHfs.lastIndex = 0;
  if (!worthALook.test(plain)) return false;
  return looksEscaped.test(name) || refused.test(plain.toLowerCase());
}

function escapeOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
