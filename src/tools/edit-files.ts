import type { Edit } from "../engines/edit.ts";
import { multiEdit } from "../engines/multi-edit.ts";
import { findBytes } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import { type ContentChange, contentChangeOf, type ToolMetrics, timed } from "./file-result.ts";
import { checkFreshness } from "./freshness-rule.ts";
import type { ToolContext } from "./tool.ts";
import { ledgerPathOf, toolPathOf } from "./tool-path.ts";

/** An edit as agents write it. */
export interface AgentEdit {
  readonly old_string: string;
  readonly new_string: string;
  readonly replace_all?: boolean | undefined;
}

/** One file's edits as agents write them. */
export interface AgentFileEdits {
  readonly file_path: string;
  readonly edits: readonly AgentEdit[];
}

/** One edited file in a result. */
export interface EditedFileOutput extends ContentChange {
  readonly type: "create" | "update";
  readonly filePath: string;
  /** Places replaced by each edit. */
  readonly replacements: readonly number[];
}

/** What Edit and MultiEdit share: the files, and what it cost. */
export interface EditFilesOutput {
  readonly files: readonly EditedFileOutput[];
  readonly warnings: readonly string[];
  readonly metrics: ToolMetrics;
}

/** Applies the edits of all files, or none. Each file is named once. */
export function editFiles(
  context: ToolContext,
  fileEdits: readonly AgentFileEdits[],
): EditFilesOutput {
  const byPath: Record<string, Edit[]> = {};
  const warnings: string[] = [];
  for (const { file_path, edits } of fileEdits) {
    const path = toolPathOf(context, file_path);
    refuseNotebook(path);
    const before = findBytes(context.overlay, path);
    const ambiguous = edits.some((edit) => edit.replace_all === true);
    if (before !== undefined) warnings.push(...checkFreshness(context, path, before, !ambiguous));
    byPath[path] = [...(byPath[path] ?? []), ...edits.map(editOf)];
  }
  const { value: result, durationMs } = timed(() => multiEdit(context.overlay, byPath));
  for (const { path, after } of result.files) recordLast(context, path, after, result.files.length);
  if (result.fallback !== undefined) {
    warnings.push(`The edits were made one by one: ${result.fallback.message}`);
  }
  const isCoalesced = result.edits > 1 && result.reads + result.writes < 2 * result.edits;
  return {
    files: result.files.map((file) => ({
      type: file.before === undefined ? "create" : "update",
      filePath: file.path,
      replacements: file.replacements,
      ...contentChangeOf(file.before, file.after),
    })),
    warnings,
    metrics: {
      optimization: result.writes === 0 ? "no_op" : isCoalesced ? "coalesce" : "none",
      reads: result.reads,
      writes: result.writes,
      deletes: 0,
      moves: 0,
      bytesWritten: result.bytesWritten,
      savedReads: result.edits - result.reads,
      savedWrites: result.edits - result.writes,
      durationMs,
    },
  };
}

/** A file that was named twice, by links, has got more edits than one of its names tells. */
function recordLast(context: ToolContext, path: string, after: Buffer, files: number): void {
  if (context.reads === undefined) return;
  const bytes = files > 1 ? (findBytes(context.overlay, path) ?? after) : after;
  context.reads.record(ledgerPathOf(context, path), bytes);
}

/** Agents see files with plain newlines, so a newline of theirs matches either ending. */
function editOf(edit: AgentEdit): Edit {
  return {
    kind: "string",
    oldText: edit.old_string,
    newText: edit.new_string,
    replaceAll: edit.replace_all ?? false,
    lineEndings: "match",
  };
}

function refuseNotebook(path: string): void {
  if (!path.endsWith(".ipynb")) return;
  throw new DraftError(
    "DRAFT_TOOL_INPUT",
    `Cannot edit ${path} as text: it is a notebook. Use NotebookEdit.`,
    { path },
  );
}
