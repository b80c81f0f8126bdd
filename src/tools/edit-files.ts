import type { Edit } from "../engines/coalesce/edit.ts";
import { multiEdit } from "../engines/coalesce/multi-edit.ts";
import { findBytes, findTarget } from "../engines/overlay-path.ts";
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

/** A file that was left out, where the profile of the agent allows that. */
export interface FailedFileOutput {
  readonly filePath: string;
  readonly reason: string;
  /** Edits of it that stay applied. */
  readonly applied: number;
}

/** What Edit and MultiEdit share: the files, and what it cost. */
export interface EditFilesOutput {
  readonly files: readonly EditedFileOutput[];
  readonly failed: readonly FailedFileOutput[];
  readonly warnings: readonly string[];
  readonly metrics: ToolMetrics;
}

/**
 * Applies the edits of all files, or none, unless the profile of the agent has it otherwise. Each
 * file is named once.
 */
export function editFiles(
  context: ToolContext,
  fileEdits: readonly AgentFileEdits[],
): EditFilesOutput {
  const byPath = new Map<string, Edit[]>();
  for (const { file_path, edits } of fileEdits) {
    const path = toolPathOf(context, file_path);
    refuseNotebook(path);
    byPath.set(path, [...(byPath.get(path) ?? []), ...edits.map(editOf)]);
  }
  const warnings: string[] = [];
  const check = (path: string, before: Buffer | undefined) => {
    if (before === undefined) return;
    const isAmbiguous = byPath.get(path)?.some((one) => one.kind === "string" && one.replaceAll);
    warnings.push(...checkFreshness(context, path, before, isAmbiguous !== true));
  };
  const { settings } = context;
  const { value: result, durationMs } = timed(() =>
    multiEdit(context.overlay, Object.fromEntries(byPath), {
      onRead: check,
      // What was warned of on the way to the failure is warned of again.
      onFallback: () => warnings.splice(0),
      ...(settings === undefined ? {} : { settings }),
    }),
  );
  for (const { path, after } of result.files) recordLast(context, path, after, result.files.length);
  if (result.fallback !== undefined) {
    warnings.push(`The edits were made one by one: ${result.fallback.message}`);
  }
  const failed = result.failed.map(({ path, error, applied }) => {
    return { filePath: path, reason: error.message, applied };
  });
  if (failed.length > 0) warnings.push("Not all of the edits were applied: see failed.");
  const isCoalesced = result.edits > 1 && result.reads + result.writes < 2 * result.edits;
  return {
    files: result.files.map((file) => ({
      type: file.before === undefined ? "create" : "update",
      filePath: file.path,
      replacements: file.replacements,
      ...contentChangeOf(file.before, file.after),
    })),
    failed,
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

/** A file that was named twice, by hard links, has got more edits than one of its names tells. */
function recordLast(context: ToolContext, path: string, after: Buffer, files: number): void {
  if (context.reads === undefined) return;
  const isShared = files > 1 && (findTarget(context.overlay, path)?.nlink ?? 1) > 1;
  const bytes = isShared ? (findBytes(context.overlay, path) ?? after) : after;
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
