import { extname } from "node:path";
import { z } from "zod";
import { profileFor } from "../engines/optimizer-settings.ts";
import { findTarget } from "../engines/overlay-path.ts";
import type { EngineStats } from "../engines/overlay-port.ts";
import { textEncodingOf } from "../engines/text-encoding.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { KIB, scannedTextBytesMin, shownImageBytesMax, shownLineLettersMax } from "../limits.ts";
import { textOf } from "./file-result.ts";
import { type CellView, cellsOf } from "./notebook.ts";
import { startDigest } from "./read-ledger.ts";
import { scanLines } from "./scan-lines.ts";
import { cutOff, linesOf, type ShownLines, shownLines, undecodable } from "./shown-lines.ts";
import { countRead, type Tool, type ToolContext } from "./tool.ts";
import { ledgerPathOf, toolPathOf } from "./tool-path.ts";

/** Lines returned when no limit is given: what an agent can take in at once. */
const linesDefault = 2000;
/** Size beyond which a part has to be asked for, so that no one floods a context by mistake. */
const wholeBytesMax = 256 * KIB;

const input = z.strictObject({
  file_path: z.string().min(1).describe("Absolute path of the file to read"),
  offset: z.int().min(0).optional().describe("First line to return, from 1; 0 is the first, too"),
  limit: z.int().min(1).optional().describe("Number of lines to return"),
  pages: z.string().optional().describe("Pages of a PDF file; PDF files are not read as yet"),
  allow_large: z
    .boolean()
    .optional()
    .describe("Read a text of over 256 KiB without offset and limit, or an image of over 3.75 MiB"),
});

export type ReadInput = z.infer<typeof input>;

export type ReadOutput =
  | {
      readonly type: "text";
      readonly file: {
        readonly filePath: string;
        /** Line endings are shown as plain newlines. */
        readonly content: string;
        readonly numLines: number;
        readonly startLine: number;
        readonly totalLines: number;
      };
      /** What to know before changing it; absent when there is nothing. */
      readonly warnings?: readonly string[];
    }
  | {
      readonly type: "image";
      readonly file: {
        readonly filePath: string;
        readonly base64: string;
        readonly type: string;
        readonly originalSize: number;
      };
    }
  | {
      readonly type: "notebook";
      readonly file: { readonly filePath: string; readonly cells: readonly CellView[] };
    };

const imageTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
};

/** Reads a file of the merged view: text by lines, images as base64, notebooks by cells. */
export const readTool: Tool<ReadInput, ReadOutput> = {
  name: "Read",
  description:
    "Reads a file as it will be after the commit. Text comes by lines (2,000 unless limit says " +
    "otherwise, of at most 2,000 letters each), images as base64, notebooks as cells.",
  input,
  readOnly: true,
  run: read,
};

function read(context: ToolContext, request: ReadInput): ReadOutput {
  const path = toolPathOf(context, request.file_path);
  const node = findTarget(context.overlay, path);
  if (node === undefined) throw inputError(path, `There is no file ${path}.`);
  if (node.isDirectory()) throw inputError(path, `${path} is a directory. Use List or Glob.`);
  if (path.toLowerCase().endsWith(".pdf")) {
    throw inputError(path, `${path} is a PDF file, which is not read. Convert it with pdftotext.`);
  }
  if ((request.pages ?? "") !== "") {
    throw inputError(path, `Cannot read pages of ${path}: it has none. Use offset and limit.`);
  }
  const imageType = imageTypes[extname(path).toLowerCase()];
  refuseLarge(path, node, request, imageType);
  const isText = imageType === undefined && !path.endsWith(".ipynb");
  const { streams } = profileFor(context.overlay, context.settings);
  if (streams && isText && node.size >= scannedTextBytesMin && !isWide(context, path)) {
    return readHuge(context, path, node.size, request);
  }
  const bytes = context.overlay.fs.readFileSync(path);
  countRead(context, bytes.length);
  const output = outputOf(path, bytes, request, imageType);
  context.reads?.record(ledgerPathOf(context, path), bytes);
  return output;
}

function refuseLarge(
  path: string,
  { size }: EngineStats,
  { offset, limit, allow_large }: ReadInput,
  imageType: string | undefined,
): void {
  if (allow_large === true) return;
  if (imageType !== undefined && size > shownImageBytesMax) {
    throw inputError(
      path,
      `${path} has ${size} bytes, over ${shownImageBytesMax}. Make a smaller copy, or set ` +
        "allow_large.",
    );
  }
  const isPart = offset !== undefined || limit !== undefined || path.endsWith(".ipynb");
  if (imageType !== undefined || isPart || size <= wholeBytesMax) return;
  throw inputError(
    path,
    `${path} has ${size} bytes, over ${wholeBytesMax}. Read a part of it with offset and ` +
      "limit, search it with Grep, or set allow_large.",
  );
}

/** Whether a text is in UTF-16, in which line ends are not single bytes. */
function isWide({ overlay }: ToolContext, path: string): boolean {
  const head = Buffer.alloc(2);
  const descriptor = overlay.fs.openSync(path, "r");
  try {
    overlay.fs.readSync(descriptor, head, 0, head.length, 0);
  } finally {
    overlay.fs.closeSync(descriptor);
  }
  return textEncodingOf(head) !== "utf-8";
}

/** UTF-8 takes at most 4 bytes a letter. */
const letterBytesMax = 4;

function readHuge(
  context: ToolContext,
  path: string,
  size: number,
  request: ReadInput,
): ReadOutput {
  const { offset, limit } = rangeOf(request);
  const digest = startDigest();
  const part = {
    first: offset - 1,
    count: limit,
    lineBytesMax: shownLineLettersMax * letterBytesMax,
  };
  const found = scanLines(context.overlay.fs, path, part, digest);
  countRead(context, size);
  if (found.hasNul) throw inputError(path, `${path} is binary; it has no lines to show.`);
  context.reads?.recordDigest(ledgerPathOf(context, path), digest);
  const shown = shownLines(linesOf(found.bytes.toString("utf8").replace(/^\ufeff/, "")));
  // A line that was cut on the way may have been cut in the middle of a letter.
  const isSound = found.isCut || textOf(found.bytes) !== null;
  const warnings = [
    ...(isSound ? [] : [undecodable(path)]),
    ...(shown.isCut || found.isCut ? [cutOff(path)] : []),
  ];
  return textOutput(path, { ...shown, offset, totalLines: found.totalLines }, warnings);
}

function outputOf(
  path: string,
  bytes: Buffer,
  request: ReadInput,
  imageType: string | undefined,
): ReadOutput {
  if (imageType !== undefined) {
    const base64 = bytes.toString("base64");
    const file = { filePath: path, base64, type: imageType, originalSize: bytes.length };
    return { type: "image", file };
  }
  const text = textOf(bytes);
  if (text === null && bytes.includes(0)) {
    throw inputError(path, `${path} is binary; it has no lines to show.`);
  }
  const warnings = text === null ? [undecodable(path)] : [];
  if (text !== null && path.endsWith(".ipynb")) {
    const cells = cellsOrProblem(text);
    if (typeof cells !== "string") return { type: "notebook", file: { filePath: path, cells } };
    warnings.push(
      `${path} is shown as text, since its cells cannot be read. ${cells} Write mends it.`,
    );
  }
  const { offset, limit } = rangeOf(request);
  const lines = linesOf(text ?? bytes.toString("utf8"));
  const shown = shownLines(lines.slice(offset - 1, offset - 1 + limit));
  if (shown.isCut) warnings.push(cutOff(path));
  return textOutput(path, { ...shown, offset, totalLines: lines.length }, warnings);
}

function rangeOf({ offset = 1, limit = linesDefault }: ReadInput) {
  return { offset: Math.max(1, offset), limit };
}

function cellsOrProblem(text: string): readonly CellView[] | string {
  try {
    return cellsOf(text);
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_TOOL_INPUT") return error.message;
    throw error;
  }
}

function textOutput(
  path: string,
  shown: Pick<ShownLines, "lines"> & { readonly offset: number; readonly totalLines: number },
  warnings: readonly string[],
): ReadOutput {
  const file = {
    filePath: path,
    content: shown.lines.join("\n"),
    numLines: shown.lines.length,
    startLine: shown.offset,
    totalLines: shown.totalLines,
  };
  const all = [...nothingShown(path, file), ...warnings];
  return { type: "text", file, ...(all.length === 0 ? {} : { warnings: all }) };
}

/** Why no line is shown: an empty answer looks like a failure. */
function nothingShown(
  path: string,
  { numLines, startLine, totalLines }: Record<"numLines" | "startLine" | "totalLines", number>,
): string[] {
  if (numLines > 0) return [];
  return totalLines === 0
    ? [`${path} exists, and is empty.`]
    : [`${path} has ${totalLines} lines, none of them from line ${startLine} on.`];
}

function inputError(path: string, message: string): DraftError {
  return new DraftError("DRAFT_TOOL_INPUT", message, { path });
}
