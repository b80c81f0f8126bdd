/**
 * One change of a file's content. Edits of a list are applied in order, each on the result of the
 * one before it, so that positions and uniqueness are judged on the content in progress.
 */
export type Edit = StringEdit | LinesEdit | BytesEdit;

/** Replaces a text that occurs exactly once, or every occurrence of it. */
export interface StringEdit {
  readonly kind: "string";
  /** Never empty, save as the first edit of a file that does not exist or is empty: it creates. */
  readonly oldText: string;
  readonly newText: string;
  /** Default `false`: more than one occurrence is an error. */
  readonly replaceAll?: boolean;
  /**
   * `"exact"` (the default) compares bytes. `"match"` lets `\n` stand for `\r\n` where the file
   * has it, and gives the new text the line endings of the place it goes to: the rule for callers
   * that saw the file with its line endings normalised.
   */
  readonly lineEndings?: "exact" | "match";
}

/** Replaces whole lines, their line endings included. */
export interface LinesEdit {
  readonly kind: "lines";
  /**
   * First line to replace, from 1; the number of lines plus one appends. A last line that has no
   * line ending gets one before something is appended, such as the line before it has.
   */
  readonly first: number;
  /** Last line to replace; `first - 1` replaces none and inserts before `first`. */
  readonly last: number;
  /** Written as it is, so it usually ends with a line ending; `""` deletes the lines. */
  readonly text: string;
}

/** Replaces a range of bytes. */
export interface BytesEdit {
  readonly kind: "bytes";
  /** Position in bytes from the start of the content. */
  readonly offset: number;
  /** Bytes to replace; 0 inserts. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** The short form that most callers want. */
export function replaceText(oldText: string, newText: string, replaceAll = false): StringEdit {
  return { kind: "string", oldText, newText, replaceAll };
}
