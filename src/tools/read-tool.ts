import { extname } from "node:path";
import { z } from "zod";
import { findTarget } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import { KIB } from "../limits.ts";
import { textOf } from "./file-result.ts";
import { type CellView, cellsOf } from "./notebook.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";

/** Lines returned when no limit is given: what an agent can take in at once. */
const linesDefault = 2000;
/** Size beyond which a part has to be asked for, so that no one floods a context by mistake. */
const wholeBytesMax = 256 * KIB;

const input = z.strictObject({
  file_path: z.string().min(1).describe("Absolute path of the file to read"),
  offset: z.int().min(1).optional().describe("First line to return, from 1"),
  limit: z.int().min(1).optional().describe("Number of lines to return"),
  allow_large: z.boolean().optional().describe("Return a file of over 256 KiB as a whole"),
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
    "otherwise), images as base64, notebooks as cells.",
  input,
  readOnly: true,
  run: read,
};

function read(context: ToolContext, request: ReadInput): ReadOutput {
  const path = toolPathOf(context, request.file_path);
  const node = findTarget(context.overlay, path);
  if (node === undefined) throw inputError(path, `There is no file ${path}.`);
  if (node.isDirectory()) throw inputError(path, `${path} is a directory. Use List or Glob.`);
  const isPart = request.offset !== undefined || request.limit !== undefined;
  const imageType = imageTypes[extname(path).toLowerCase()];
  const isWhole = imageType === undefined && !path.endsWith(".ipynb");
  if (isWhole && node.size > wholeBytesMax && !isPart && request.allow_large !== true) {
    throw inputError(
      path,
      `${path} has ${node.size} bytes, over ${wholeBytesMax}. Read a part of it with offset and ` +
        "limit, search it with Grep, or set allow_large.",
    );
  }
  const bytes = context.overlay.fs.readFileSync(path);
  const output = outputOf(path, bytes, request, imageType);
  context.reads?.record(path, bytes);
  return output;
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
  if (text === null) {
    const warning =
      `${path} is not UTF-8; what cannot be decoded is shown as \ufffd. Edit keeps those bytes, ` +
      "Write would lose them.";
    const file = { filePath: path, ...linesOf(bytes.toString("utf8"), request) };
    return { type: "text", file, warnings: [warning] };
  }
  if (path.endsWith(".ipynb")) {
    return { type: "notebook", file: { filePath: path, cells: cellsOf(text) } };
  }
  return { type: "text", file: { filePath: path, ...linesOf(text, request) } };
}

function linesOf(text: string, { offset = 1, limit = linesDefault }: ReadInput) {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const shown = lines.slice(offset - 1, offset - 1 + limit);
  return {
    content: shown.join("\n"),
    numLines: shown.length,
    startLine: offset,
    totalLines: lines.length,
  };
}

function inputError(path: string, message: string): DraftError {
  return new DraftError("DRAFT_TOOL_INPUT", message, { path });
}
