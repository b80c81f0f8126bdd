import { z } from "zod";
import { FileStates } from "../engines/file-states.ts";
import { DraftError } from "../errors.ts";
import { type ContentChange, contentChangeOf, type ToolMetrics } from "./file-result.ts";
import { checkFreshness } from "./freshness-rule.ts";
import { replaceContent } from "./replace-content.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { ledgerPathOf, toolPathOf } from "./tool-path.ts";

const input = z.strictObject({
  file_path: z.string().min(1).describe("Absolute path of the file to write"),
  content: z.string().describe("The whole content of the file, written as it is"),
});

export type WriteInput = z.infer<typeof input>;

export interface WriteOutput extends ContentChange {
  readonly type: "create" | "update";
  readonly filePath: string;
  readonly content: string;
  /** Held in the overlay: the file on disk changes with the commit. */
  readonly staged: true;
  readonly warnings: readonly string[];
  readonly metrics: ToolMetrics;
}

/** Writes a whole file, making its parents. The bytes are those of `content`, nothing is added. */
export const writeTool: Tool<WriteInput, WriteOutput> = {
  name: "Write",
  description:
    "Writes a file, replacing what it held. An existing file has to be read first. " +
    "To change a part of a file, use Edit. Nothing reaches the disk before the commit.",
  input,
  readOnly: false,
  run: (context, { file_path, content }) => write(context, file_path, content),
};

function write(context: ToolContext, filePath: string, content: string): WriteOutput {
  const path = toolPathOf(context, filePath);
  if (/\p{Surrogate}/u.test(content)) {
    throw new DraftError(
      "DRAFT_TOOL_INPUT",
      `Cannot write ${path}: the content holds half a surrogate pair. Give whole characters.`,
      { path },
    );
  }
  const states = new FileStates(context.overlay);
  const before = states.read(path);
  const bytes = Buffer.from(content, "utf8");
  const warnings = before === undefined ? [] : checkFreshness(context, path, before, false);
  const { writes, bytesWritten, durationMs } = replaceContent(context, states, path, bytes);
  context.reads?.record(ledgerPathOf(context, path), bytes);
  return {
    type: before === undefined ? "create" : "update",
    filePath: path,
    content,
    ...contentChangeOf(before, bytes),
    staged: true,
    warnings,
    metrics: {
      optimization: writes === 0 ? "no_op" : "none",
      reads: states.reads,
      writes,
      deletes: 0,
      moves: 0,
      bytesWritten,
      savedReads: 0,
      savedWrites: 1 - writes,
      durationMs,
    },
  };
}
