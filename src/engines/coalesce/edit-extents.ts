import { checkOptions } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { chunkBytes } from "../../limits.ts";
import { type MeasuringOptions, meterFrom } from "../../metrics/meter.ts";
import { inSavepoint } from "../apply-changes.ts";
import { checkEdits, checkOverlay } from "../check-input.ts";
import { copyAttributes, freeNameBeside, moveIntoPlace, writeAll } from "../file-beside.ts";
import { sizeOf } from "../operation.ts";
import { extentEditNames } from "../option-names.ts";
import { absolutePathOf, shownPathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { encodeText, type TextEncoding, textEncodingOf, unitBytesOf } from "../text-encoding.ts";
import type { BytesEdit, Edit, LinesEdit, StringEdit } from "./edit.ts";
import { type EditFailure, editError } from "./edit-failure.ts";
import { ExtentContent } from "./extent-content.ts";
import type { Replacement } from "./piece-list.ts";

/** What editing a huge file took. */
export interface ExtentEditResult {
  /** Places replaced by each edit. */
  readonly replacements: readonly number[];
  /** Passes over the content: one for each edit that searches, and one for a copy. */
  readonly reads: number;
  /** One for each changed range, or for a copy. */
  readonly writes: number;
  /** Bytes written: the changed ranges alone, as long as all edits together move nothing. */
  readonly bytesWritten: number;
}

/** How to edit a huge file. */
export interface ExtentEditOptions extends MeasuringOptions {
  /** Looked at before every chunk that is read; the file stays as it was. */
  readonly signal?: AbortSignal;
  /** Called for every chunk (1 MiB) that was searched or copied, with all of those bytes so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** A file under edit. */
interface OpenFile {
  readonly overlay: EngineOverlay;
  readonly path: string;
  readonly descriptor: number;
  readonly content: ExtentContent;
  readonly encoding: TextEncoding;
  /** Called when a chunk has been passed. */
  readonly pass: (bytes: number) => void;
}

/**
 * Edits a file that is larger than memory, in order, all edits or none. Every edit sees what those
 * before it left, but nothing is written before all of them have been found: replacements that move
 * nothing are then written where they stand and nothing else is; others copy the file, once and
 * chunk by chunk. The result is that of `multiEdit`.
 *
 * @throws {DraftError} `DRAFT_EDIT_FAILED` as `multiEdit`, without a nearest miss;
 *   `DRAFT_UNSUPPORTED` for string edits with `lineEndings: "match"`; `DRAFT_ABORTED`.
 */
export function editExtents(
  overlay: EngineOverlay,
  path: string,
  edits: readonly Edit[],
  options: ExtentEditOptions = {},
): ExtentEditResult {
  checkOverlay("editExtents", overlay);
  checkEdits(path, edits);
  checkOptions("editExtents", options, extentEditNames);
  return meterFrom(options).measure(
    { name: "edit_extents", path, sizeBytes: sizeOf({ kind: "edit", path, edits }) },
    () => editOpened(overlay, path, edits, options),
    ({ reads, writes, bytesWritten }) => ({
      io: { reads, writes, deletes: 0, moves: 0, bytesWritten },
      optimization: "stream",
      baselineCalls: edits.length * 2,
    }),
  );
}

function editOpened(
  overlay: EngineOverlay,
  path: string,
  edits: readonly Edit[],
  options: ExtentEditOptions,
): ExtentEditResult {
  const absolute = overlay.fs.realpathSync(absolutePathOf(overlay, path));
  const descriptor = overlay.fs.openSync(absolute, "r+");
  let passed = 0;
  const pass = (bytes: number) => {
    passed += bytes;
    options.onProgress?.(passed);
    stopIfAborted(options.signal, path);
  };
  try {
    stopIfAborted(options.signal, path);
    const { size } = overlay.fs.statSync(absolute);
    const content = new ExtentContent(overlay, descriptor, size);
    const replacements = edits.map((edit, index) => {
      const head = Buffer.alloc(2);
      const encoding = textEncodingOf(head.subarray(0, content.read(head, 0)));
      const file = { overlay, path: absolute, descriptor, content, encoding, pass };
      const found = findReplacements(file, edit);
      if (!Array.isArray(found)) {
        throw editError(shownPathOf(overlay, path), index, edits.length, found);
      }
      content.replace(found);
      return found.length;
    });
    const searches = edits.filter(({ kind }) => kind !== "bytes").length;
    const file = { overlay, path: absolute, descriptor, content, encoding: "utf-8", pass } as const;
    const written = inSavepoint(overlay, () => writeExtents(file));
    const copies = content.keepsPlaces ? 0 : 1;
    return { replacements, reads: searches + copies, ...written };
  } finally {
    overlay.fs.closeSync(descriptor);
  }
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
  if (!whole || offset < 0 || length < 0 || offset + length > file.content.size) {
    const range = `bytes ${offset} to ${offset + length}`;
    return outOfRange(`${range} are not in the file, which has ${file.content.size} bytes.`);
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
  const lastStart = lineStart;
  if (lineStart < file.content.size) pass(file.content.size);
  if (start < 0 || end < start) {
    const range = `lines ${edit.first} to ${edit.last}`;
    return outOfRange(`${range} are not in the file, which has ${line - 1} lines.`);
  }
  const isAfterHalf = lastStart < start && edit.first === line && edit.text !== "";
  const ending = isAfterHalf ? endingBefore(file, lastStart) : "";
  return [{ start, end, bytes: encodeText(ending + edit.text, file.encoding) }];
}

/** The line ending right before a position; `\n` where there is none. */
function endingBefore(file: OpenFile, position: number): string {
  const returned = encodeText("\r\n", file.encoding);
  const start = position - returned.length;
  return start >= 0 && readAt(file, start, returned.length).equals(returned) ? "\r\n" : "\n";
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
    // As in memory: edits before this one may have left nothing.
    if (file.content.size === 0) {
      return [{ start: 0, end: 0, bytes: encodeText(edit.newText, "utf-8") }];
    }
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
  for (let base = 0; base < file.content.size; ) {
    const count = file.content.read(buffer, base);
    file.pass(count);
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
    if (base + count >= file.content.size) return;
    // The next window starts with as much of this one as an occurrence could have begun in.
    base += count - (needle.length - 1);
  }
}

function writeExtents(file: OpenFile): { writes: number; bytesWritten: number } {
  if (!file.content.keepsPlaces) return { writes: 1, bytesWritten: copyBeside(file) };
  let [writes, bytesWritten] = [0, 0];
  for (const extent of file.content.extents) {
    if (extent.kind === "file") continue;
    writeAll(file.overlay, file.descriptor, extent.bytes, extent.at);
    writes += 1;
    bytesWritten += extent.bytes.length;
  }
  return { writes, bytesWritten };
}

/** Writes the file anew through one chunk, beside it, and puts it in its place. */
function copyBeside(file: OpenFile): number {
  const { overlay, path, content } = file;
  const target = freeNameBeside(overlay, path);
  const descriptor = overlay.fs.openSync(target, "wx", 0o600);
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let written = 0;
  try {
    while (written < content.size) {
      const count = content.read(buffer, written);
      if (count === 0) break;
      writeAll(overlay, descriptor, buffer.subarray(0, count), written);
      written += count;
      file.pass(count);
    }
  } finally {
    overlay.fs.closeSync(descriptor);
  }
  copyAttributes(overlay, path, target);
  moveIntoPlace(overlay, target, path, buffer);
  return written;
}

function readAt(file: OpenFile, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, file.content.read(buffer, position));
}

function outOfRange(message: string): EditFailure {
  return { reason: "out_of_range", message };
}

function stopIfAborted(signal: AbortSignal | undefined, path: string): void {
  if (!signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", `Editing ${path} was stopped; the file is as it was.`, {
    path,
    cause: signal.reason,
  });
}
