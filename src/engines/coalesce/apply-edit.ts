import {
  decodeText,
  encodeText,
  type TextEncoding,
  textEncodingOf,
  unitBytesOf,
} from "../text-encoding.ts";
import type { BytesEdit, Edit, LinesEdit, StringEdit } from "./edit.ts";
import type { EditFailure } from "./edit-failure.ts";
import { adoptEndings, type ByteRange, endingNear, findIgnoringEndings } from "./line-endings.ts";
import { findNearestMiss } from "./nearest-miss.ts";
import type { PieceList } from "./piece-list.ts";

/** What an edit did: the number of places it replaced, or why it could not. */
export type EditOutcome =
  | { readonly kind: "applied"; readonly replacements: number }
  | { readonly kind: "failed"; readonly failure: EditFailure };

/** Applies one edit to content in progress; a failed one leaves it as it was. */
export function applyEdit(content: PieceList, edit: Edit): EditOutcome {
  if (/\p{Surrogate}/u.test(textOf(edit))) {
    return failed("not_encodable", "the text holds half a surrogate pair. Give whole characters.");
  }
  switch (edit.kind) {
    case "string":
      return applyString(content, edit);
    case "lines":
      return applyLines(content, edit);
    case "bytes":
      return applyBytes(content, edit);
  }
}

/** All text of an edit; halves that only meet here must not look like a pair, hence the space. */
function textOf(edit: Edit): string {
  switch (edit.kind) {
    case "string":
      return `${edit.oldText} ${edit.newText}`;
    case "lines":
      return edit.text;
    case "bytes":
      return "";
  }
}

function applyString(content: PieceList, edit: StringEdit): EditOutcome {
  const encoding = textEncodingOf(content.slice(0, 2));
  if (edit.oldText === edit.newText) {
    return failed("no_change", "the old and the new text are the same.");
  }
  if (edit.oldText === "") {
    if (content.size > 0) {
      return failed(
        "empty_search",
        "the old text is empty, but the file is not. Say what to replace.",
      );
    }
    content.splice(0, 0, encodeText(edit.newText, "utf-8"));
    return { kind: "applied", replacements: 1 };
  }
  const matching = edit.lineEndings === "match";
  const found =
    matching && hasReturns(content)
      ? findIgnoringEndings(content, edit.oldText, encoding)
      : findExactly(content, edit.oldText, encoding);
  if (found.length === 0) return notFound(content, edit, encoding);
  if (found.length > 1 && edit.replaceAll !== true) {
    return failed(
      "not_unique",
      `the text to replace occurs ${found.length} times. Give more of its surroundings, or ` +
        "replace all of them.",
      { matches: found.length },
    );
  }
  const bytes = encodeText(edit.newText, encoding);
  const replacements = found.map((range) => ({
    ...range,
    bytes: matching ? adopted(content, edit, range, encoding) : bytes,
  }));
  content.replace(replacements);
  return { kind: "applied", replacements: found.length };
}

function adopted(
  content: PieceList,
  edit: StringEdit,
  range: ByteRange,
  encoding: TextEncoding,
): Buffer {
  const replaced = decodeText(content.slice(range.start, range.end), encoding);
  return encodeText(adoptEndings(edit.newText, replaced, content, range, encoding), encoding);
}

function hasReturns(content: PieceList): boolean {
  return content.indexOf(Uint8Array.of(0x0d)) >= 0;
}

function findExactly(content: PieceList, text: string, encoding: TextEncoding): ByteRange[] {
  const needle = encodeText(text, encoding);
  const unit = unitBytesOf(encoding);
  const found: ByteRange[] = [];
  for (let position = 0; ; ) {
    const start = content.indexOf(needle, position);
    if (start < 0) return found;
    if (start % unit !== 0) {
      position = start + 1;
      continue;
    }
    found.push({ start, end: start + needle.length });
    position = start + needle.length;
  }
}

function notFound(content: PieceList, edit: StringEdit, encoding: TextEncoding): EditOutcome {
  const text = decodeText(content.toBytes(), encoding);
  return failed(
    "not_found",
    `the text to replace was not found: ${JSON.stringify(edit.oldText.slice(0, 200))}.`,
    { matches: 0, nearest: findNearestMiss(text, edit.oldText) },
  );
}

function applyLines(content: PieceList, edit: LinesEdit): EditOutcome {
  const encoding = textEncodingOf(content.slice(0, 2));
  const lines = linesOf(content, encoding);
  const { first, last } = edit;
  const whole = Number.isInteger(first) && Number.isInteger(last);
  if (!whole || first < 1 || last < first - 1 || last > lines.count || first > lines.count + 1) {
    return failed(
      "out_of_range",
      `lines ${first} to ${last} are not in the file, which has ${lines.count} lines.`,
    );
  }
  const start = lines.startOf(first);
  const end = last < first ? start : lines.startOf(last + 1);
  const isAfterHalf = !lines.isLastEnded && first > lines.count && edit.text !== "";
  const place = { start: content.size, end: content.size };
  const ending = isAfterHalf ? endingNear(content, place, encoding) : "";
  content.splice(start, end - start, encodeText(ending + edit.text, encoding));
  return { kind: "applied", replacements: 1 };
}

interface Lines {
  readonly count: number;
  /** Whether the last line has its line ending; true where there is no line. */
  readonly isLastEnded: boolean;
  /** Where a line starts, from 1; after the last one, where the content ends. */
  startOf(line: number): number;
}

function linesOf(content: PieceList, encoding: TextEncoding): Lines {
  // A byte order mark belongs to the file and not to its first line.
  const mark = encodeText("\ufeff", encoding);
  const start = content.slice(0, mark.length).equals(mark) ? mark.length : 0;
  const unit = unitBytesOf(encoding);
  const feeds = unit === 1 ? content.lineFeeds() : wideLineFeeds(content, encoding);
  const lastEnd = (feeds.at(feeds.count - 1) ?? start - unit) + unit;
  const { size } = content;
  return {
    count: feeds.count + (lastEnd < size ? 1 : 0),
    isLastEnded: lastEnd >= size,
    startOf(line) {
      if (line === 1) return start;
      const feed = feeds.at(line - 2);
      return feed === undefined ? size : feed + unit;
    },
  };
}

function wideLineFeeds(
  content: PieceList,
  encoding: TextEncoding,
): { readonly count: number; at(index: number): number | undefined } {
  const found = findExactly(content, "\n", encoding);
  return { count: found.length, at: (index) => found[index]?.start };
}

function applyBytes(content: PieceList, edit: BytesEdit): EditOutcome {
  const { offset, length } = edit;
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > content.size) {
    return failed(
      "out_of_range",
      `bytes ${offset} to ${offset + length} are not in the file, which has ${content.size} bytes.`,
    );
  }
  content.splice(offset, length, new Uint8Array(edit.bytes));
  return { kind: "applied", replacements: 1 };
}

function failed(
  reason: EditFailure["reason"],
  message: string,
  facts: Partial<EditFailure> = {},
): EditOutcome {
  return { kind: "failed", failure: { reason, message, ...facts } };
}
