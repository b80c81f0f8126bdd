/** A file that this user may not read, and whose bytes are to be kept. */
export class UnreadableFile extends Error {
  readonly code = "EACCES";
  readonly help =
    "This user may not read it, and what a commit takes away is kept for undo: make it readable " +
    "first (chmod u+r).";

  constructor(cause: unknown) {
    super("EACCES: its bytes cannot be read", { cause });
  }
}
