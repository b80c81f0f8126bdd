import { encodeText, type TextEncoding, unitBytesOf } from "../text-encoding.ts";
import type { PieceList } from "./piece-list.ts";

/** A range of bytes, end excluded. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds every occurrence of a text in which each `\n` may also be a `\r\n` in the content.
 * Occurrences do not overlap; they come in order.
 */
export function findIgnoringEndings(
  content: PieceList,
  text: string,
  encoding: TextEncoding,
): ByteRange[] {
  const lines = text.split(/\r?\n/).map((line) => encodeText(line, encoding));
  const feed = encodeText("\n", encoding);
  const returned = encodeText("\r\n", encoding);
  const bytes = content.toBytes();
  const found: ByteRange[] = [];
  const head = lines[0] as Buffer;
  const anchor = head.length > 0 ? head : undefined;
  for (let position = 0; position < bytes.length; ) {
    const start =
      anchor === undefined ? nextEnding(bytes, position, feed) : bytes.indexOf(anchor, position);
    if (start < 0) break;
    const aligned = start % unitBytesOf(encoding) === 0;
    const end = aligned ? matchLines(bytes, start, lines, feed, returned) : -1;
    if (end < 0) {
      position = start + 1;
      continue;
    }
    found.push({ start, end });
    position = Math.max(end, start + 1);
  }
  return found;
}

/** Where the next line ending begins: at its `\r` where it has one. */
function nextEnding(bytes: Buffer, from: number, feed: Buffer): number {
  const at = bytes.indexOf(feed, from);
  if (at < 0) return -1;
  const unit = feed.length;
  const before = at - unit;
  if (before < from) return at;
  const mark = unit === 1 || feed[0] === 0x0a ? bytes[before] : bytes[before + 1];
  return mark === 0x0d ? before : at;
}

function matchLines(
  bytes: Buffer,
  start: number,
  lines: readonly Buffer[],
  feed: Buffer,
  returned: Buffer,
): number {
  let position = start;
  for (const [index, line] of lines.entries()) {
    if (index > 0) {
      const ending = [returned, feed].find((candidate) => startsAt(bytes, candidate, position));
      if (ending === undefined) return -1;
      position += ending.length;
    }
    if (!startsAt(bytes, line, position)) return -1;
    position += line.length;
  }
  return position;
}

function startsAt(bytes: Buffer, needle: Buffer, position: number): boolean {
  const end = position + needle.length;
  return end <= bytes.length && bytes.compare(needle, 0, needle.length, position, end) === 0;
}

/**
 * Gives a new text the line endings of the range that it replaces: its nth ending becomes the
 * nth of the replaced text, the rest like the last of them; where the replaced text has none, the
 * next ending after it decides, then the one before it. A `\r\n` in the new text stays.
 */
export function adoptEndings(
  newText: string,
  replaced: string,
  content: PieceList,
  range: ByteRange,
  encoding: TextEncoding,
): string {
  if (!/(?<!\r)\n/.test(newText)) return newText;
  const own = replaced.match(/\r?\n/g) ?? [];
  const fallback = own.at(-1) ?? endingNear(content, range, encoding);
  let index = 0;
  return newText.replace(/\r?\n/g, (ending) => {
    const adopted = own[index] ?? fallback;
    index += 1;
    return ending === "\r\n" ? ending : adopted;
  });
}

/** The line ending after a range, else the last one before it; `\n` where there is none. */
export function endingNear(
  content: PieceList,
  range: ByteRange,
  encoding: TextEncoding,
): "\n" | "\r\n" {
  const feed = encodeText("\n", encoding);
  const returned = encodeText("\r\n", encoding);
  const after = content.indexOf(feed, range.end);
  const at = after >= 0 ? after : content.slice(0, range.start).lastIndexOf(feed);
  if (at < 0) return "\n";
  const start = at - (returned.length - feed.length);
  return start >= 0 && content.slice(start, at + feed.length).equals(returned) ? "\r\n" : "\n";
}
