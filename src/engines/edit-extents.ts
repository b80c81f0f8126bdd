import { DraftError } from "../errors.ts";
import { chunkBytes } from "../limits.ts";
import { inSavepoint } from "./apply-changes.ts";
import type { BytesEdit, Edit, LinesEdit, StringEdit } from "./edit.ts";
import { type EditFailure, editError } from "./edit-failure.ts";
import { freeNameBeside, moveIntoPlace, writeAll } from "./file-beside.ts";
import { absolutePathOf, shownPathOf } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import type { Replacement } from "./piece-list.ts";
import { encodeText, type TextEncoding, textEncodingOf, unitBytesOf } from "./text-encoding.ts";

/** What editing a huge file took. */
export interface ExtentEditResult {
  /** Places replaced by each edit. */
  readonly replacements: readonly number[];
  /** Bytes written: the changed ranges alone, as long as no edit changes the length. */
  readonly bytesWritten: number;
}

interface OpenFile {
  readonly overlay: EngineOverlay;
  readonly path: string;
  readonly descriptor: number;
  readonly size: number;
  readonly encoding: TextEncoding;
}

/**
 * Edits a file that is larger than memory, in order, all edits or none. Replacements of the same
 * length are written where they stand and nothing else is; others copy the file once, chunk by
 * chunk. The result is that of `multiEdit`.
 *
 * @throws {DraftError} `DRAFT_EDIT_FAILED` as `multiEdit`, without a nearest miss;
 *   `DRAFT_UNSUPPORTED` for string edits with `lineEndings: "match"`.
 */
export function editExtents(
  overlay: EngineOverlay,
  path: string,
  edits: readonly Edit[],
): ExtentEditResult {
  const absolute = overlay.fs.realpathSync(absolutePathOf(overlay, path));
  return inSavepoint(overlay, () => {
    let bytesWritten = 0;
    const replacements = edits.map((edit, index) => {
      const file = openFile(overlay, absolute);
      try {
        const found = findReplacements(file, edit);
        if (!Array.isArray(found)) {
          throw editError(shownPathOf(overlay, path), index, edits.length, found);
        }
        bytesWritten += writeReplacements(file, found);
        return found.length;
      } finally {
        overlay.fs.closeSync(file.descriptor);
      }
    });
    return { replacements, bytesWritten };
  });
}

function openFile(overlay: EngineOverlay, path: string): OpenFile {
  const descriptor = overlay.fs.openSync(path, "r+");
  const head = Buffer.alloc(2);
  overlay.fs.readSync(descriptor, head, 0, 2, 0);
  const { size } = overlay.fs.statSync(path);
  return { overlay, path, descriptor, size, encoding: textEncodingOf(head) };
}

function findReplacements(file: OpenFile, edit: Edit): Replacement[] | EditFailure {
  switch (edit.kind) {
    case "bytes":
      return bytesReplacement(file, edit);
    case "lines":
      return linesReplacement(file, edit);
    case "string":
      return stringReplacements(file, edit);
  }
}

function bytesReplacement(file: OpenFile, edit: BytesEdit): Replacement[] | EditFailure {
  const { offset, length, bytes } = edit;
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > file.size) {
    const range = `bytes ${offset} to ${offset + length}`;
    return outOfRange(`${range} are not in the file, which has ${file.size} bytes.`);
  }
  return [{ start: offset, end: offset + length, bytes }];
}

function linesReplacement(file: OpenFile, edit: LinesEdit): Replacement[] | EditFailure {
  const feed = encodeText("\n", file.encoding);
  const mark = encodeText("\ufeff", file.encoding);
  const head = readAt(file, 0, mark.length);
  let lineStart = head.equals(mark) ? mark.length : 0;
  let line = 1;
  let start = edit.first === 1 ? lineStart : -1;
  let end = edit.last === 0 ? lineStart : -1;
  const pass = (position: number) => {
    if (edit.last === line) end = position;
    line += 1;
    if (edit.first === line) start = position;
    lineStart = position;
  };
  for (const position of occurrencesIn(file, feed)) pass(position + feed.length);
  if (lineStart < file.size) pass(file.size);
  if (start < 0 || end < start) {
    const range = `lines ${edit.first} to ${edit.last}`;
    return outOfRange(`${range} are not in the file, which has ${line - 1} lines.`);
  }
  return [{ start, end, bytes: encodeText(edit.text, file.encoding) }];
}

function stringReplacements(file: OpenFile, edit: StringEdit): Replacement[] | EditFailure {
  if (edit.lineEndings === "match") {
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot edit ${file.path} by extents with lineEndings "match". Give the exact line endings.`,
      { path: file.path },
    );
  }
  if (edit.oldText === edit.newText) {
    return { reason: "no_change", message: "the old and the new text are the same." };
  }
  if (edit.oldText === "") {
    return { reason: "empty_search", message: "the old text is empty. Say what to replace." };
  }
  const needle = encodeText(edit.oldText, file.encoding);
  const bytes = encodeText(edit.newText, file.encoding);
  const starts = [...occurrencesIn(file, needle)];
  if (starts.length === 0) {
    return { reason: "not_found", message: "the text to replace was not found.", matches: 0 };
  }
  if (starts.length > 1 && edit.replaceAll !== true) {
    const message = `the text to replace occurs ${starts.length} times.`;
    return { reason: "not_unique", message, matches: starts.length };
  }
  return starts.map((start) => ({ start, end: start + needle.length, bytes }));
}

/** Positions of a text that do not overlap, read through one chunk and the overlap of two. */
function* occurrencesIn(file: OpenFile, needle: Buffer): Generator<number> {
  const unit = unitBytesOf(file.encoding);
  const buffer = Buffer.allocUnsafeSlow(chunkBytes + needle.length);
  let next = 0;
  for (let base = 0; base < file.size; ) {
    const count = fill(file, buffer, base);
    const window = buffer.subarray(0, count);
    for (let from = Math.max(0, next - base); ; ) {
      const at = window.indexOf(needle, from);
      if (at < 0) break;
      if ((base + at) % unit !== 0) {
        from = at + 1;
        continue;
      }
      yield base + at;
      from = at + needle.length;
      next = base + from;
    }
    if (base + count >= file.size) return;
    // The next window starts with as much of this one as an occurrence could have begun in.
    base += count - (needle.length - 1);
  }
}

function writeReplacements(file: OpenFile, replacements: readonly Replacement[]): number {
  const keepsLength = replacements.every(({ start, end, bytes }) => bytes.length === end - start);
  if (!keepsLength) return copyWith(file, replacements);
  let written = 0;
  for (const { start, bytes } of replacements) {
    writeAll(file.overlay, file.descriptor, bytes, start);
    written += bytes.length;
  }
  return written;
}

/** Writes the file anew through one chunk, beside it, and puts it in its place. */
function copyWith(file: OpenFile, replacements: readonly Replacement[]): number {
  const { overlay, path } = file;
  const target = freeNameBeside(overlay, path);
  const mode = overlay.fs.statSync(path).mode & 0o7777;
  const descriptor = overlay.fs.openSync(target, "wx", mode);
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let written = 0;
  const put = (bytes: Uint8Array) => {
    writeAll(overlay, descriptor, bytes, written);
    written += bytes.length;
  };
  const copy = (start: number, end: number) => {
    for (let position = start; position < end; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, end - position));
      const count = fill(file, piece, position);
      put(piece.subarray(0, count));
      position += count;
    }
  };
  try {
    let position = 0;
    for (const { start, end, bytes } of replacements) {
      copy(position, start);
      put(bytes);
      position = end;
    }
    copy(position, file.size);
  } finally {
    overlay.fs.closeSync(descriptor);
  }
  overlay.fs.chmodSync(target, mode);
  moveIntoPlace(overlay, target, path, buffer);
  return written;
}

function readAt(file: OpenFile, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, fill(file, buffer, position));
}

/** Reads until the buffer is full or the file ends. */
function fill(file: OpenFile, buffer: Buffer, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const rest = buffer.length - filled;
    const { overlay, descriptor } = file;
    const count = overlay.fs.readSync(descriptor, buffer, filled, rest, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function outOfRange(message: string): EditFailure {
  return { reason: "out_of_range", message };
}
