import { z } from "zod";
import { FileStates } from "../engines/file-states.ts";
import { DraftError } from "../errors.ts";
import { editCells } from "./edit-cells.ts";
import type { ToolMetrics } from "./file-result.ts";
import { checkFreshness } from "./freshness-rule.ts";
import type { CellEdit, EditedCell } from "./notebook-edit.ts";
import { type Hunk, structuredPatchOf } from "./structured-patch.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { ledgerPathOf, toolPathOf } from "./tool-path.ts";

const cell = {
  cell_id: z.string().optional().describe("The cell: its id, or cell-N counted from 0"),
  cell_type: z.enum(["code", "markdown"]).optional().describe("Required to insert"),
  edit_mode: z.enum(["replace", "insert", "delete"]).optional().describe("Default replace"),
};

const input = z.strictObject({
  notebook_path: z.string().min(1).describe("Absolute path of the .ipynb file"),
  new_source: z.string().optional().describe("The new source of the cell"),
  ...cell,
  edits: z
    .array(z.strictObject({ new_source: z.string().optional(), ...cell }))
    .min(1)
    .optional()
    .describe("Several cells in order, all or none, instead of the parameters of one"),
});

export type NotebookEditInput = z.infer<typeof input>;

/** What happened to one cell. */
export interface CellOutput {
  readonly new_source: string;
  readonly old_source?: string;
  readonly cell_id: string;
  readonly cell_type: string;
  readonly edit_mode: "replace" | "insert" | "delete";
}

export interface NotebookEditOutput extends CellOutput {
  readonly language: string;
  readonly notebook_path: string;
  readonly original_file: string;
  readonly updated_file: string;
  /** Every cell edited, when more than one was. */
  readonly cells?: readonly CellOutput[];
  readonly structuredPatch: readonly Hunk[];
  readonly staged: true;
  readonly warnings: readonly string[];
  readonly metrics: ToolMetrics;
}

/** Replaces, inserts or deletes cells of a notebook. */
export const notebookEditTool: Tool<NotebookEditInput, NotebookEditOutput> = {
  name: "NotebookEdit",
  description:
    "Changes a cell of a Jupyter notebook: replaces its source, inserts a cell after cell_id (or " +
    "at the start), or deletes it. Several cells at once with edits. Every other byte stays.",
  input,
  readOnly: false,
  run: edit,
};

function edit(context: ToolContext, request: NotebookEditInput): NotebookEditOutput {
  const path = toolPathOf(context, request.notebook_path);
  if (!path.endsWith(".ipynb")) {
    throw inputError(path, `Cannot edit ${path}: it is no notebook. Use Edit.`);
  }
  const edits = editsOf(path, request);
  const states = new FileStates(context.overlay);
  const before = states.read(path);
  if (before === undefined) throw inputError(path, `There is no notebook ${path}.`);
  const warnings = checkFreshness(context, path, before, false);
  const original = decode(path, before);
  const { steps, notebook, reads, writes, bytesWritten, durationMs } = editCells(
    context,
    { path, states, original },
    edits,
  );
  const updated = notebook.text;
  context.reads?.record(ledgerPathOf(context, path), Buffer.from(updated, "utf8"));
  const cells = steps.map((step, index) => cellOutputOf(edits[index], step));
  const last = cells.at(-1);
  if (last === undefined) throw new DraftError("DRAFT_BUG", "BUG: no cell was edited.");
  return {
    ...last,
    language: notebook.language,
    notebook_path: path,
    original_file: original,
    updated_file: updated,
    ...(cells.length > 1 ? { cells } : {}),
    structuredPatch: structuredPatchOf(original, updated),
    staged: true,
    warnings,
    metrics: {
      optimization: writes === 0 ? "no_op" : writes < edits.length ? "coalesce" : "none",
      reads,
      writes,
      deletes: 0,
      moves: 0,
      bytesWritten,
      savedReads: edits.length - reads,
      savedWrites: edits.length - writes,
      durationMs,
    },
  };
}

function editsOf(path: string, request: NotebookEditInput): CellEdit[] {
  const { notebook_path: _path, edits, ...single } = request;
  if (edits !== undefined) {
    if (Object.values(single).some((value) => value !== undefined)) {
      throw inputError(
        path,
        "Cannot run NotebookEdit: give either edits or one cell's parameters.",
      );
    }
    return edits.map((one, index) => cellEditOf(path, one, `edits.${index}.`));
  }
  return [cellEditOf(path, single, "")];
}

/** A source that was forgotten must not empty a cell. */
function cellEditOf(
  path: string,
  edit: Omit<CellEdit, "new_source"> & { readonly new_source?: string | undefined },
  place: string,
): CellEdit {
  if (edit.new_source === undefined && edit.edit_mode !== "delete") {
    const message = `Cannot run NotebookEdit on ${path}: ${place}new_source is missing.`;
    throw inputError(path, message);
  }
  return { ...edit, new_source: edit.new_source ?? "" };
}

function cellOutputOf(edit: CellEdit | undefined, step: EditedCell): CellOutput {
  return {
    new_source: edit?.new_source ?? "",
    ...(step.oldSource === undefined ? {} : { old_source: step.oldSource }),
    cell_id: step.cellId,
    cell_type: step.cellType,
    edit_mode: edit?.edit_mode ?? "replace",
  };
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DraftError("DRAFT_TOOL_INPUT", `Cannot edit ${path}: it is not UTF-8.`, {
      path,
      cause: error,
    });
  }
}

function inputError(path: string, message: string): DraftError {
  return new DraftError("DRAFT_TOOL_INPUT", message, { path });
}
