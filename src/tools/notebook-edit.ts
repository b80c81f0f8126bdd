import { createHash } from "node:crypto";
import { DraftError } from "../errors.ts";
import { findMember, type JsonSpan } from "./json-spans.ts";
import { cellIndexOf, type Notebook, type NotebookCell, parseNotebook } from "./notebook.ts";
import { type NotebookStyle, renderJson, sourceLines, styleOf } from "./notebook-style.ts";

/** One change of one cell. */
export interface CellEdit {
  readonly cell_id?: string | undefined;
  readonly new_source: string;
  readonly cell_type?: "code" | "markdown" | undefined;
  readonly edit_mode?: "replace" | "insert" | "delete" | undefined;
}

/** A notebook after an edit, and the cell that it was about. */
export interface EditedNotebook {
  readonly text: string;
  readonly cellId: string;
  readonly cellType: string;
  readonly oldSource: string | undefined;
  readonly language: string;
}

/** Depth at which the cells of a notebook stand: the root object, its list, the cell. */
const cellDepth = 2;

/**
 * Changes one cell in a notebook's text and leaves every byte outside of it as it is.
 *
 * Replacing the source of a code cell clears its outputs and execution count, which belong to the
 * old source. Inserted cells follow `cell_id`, or come first without one.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` when the text is no notebook, or the cell is not there.
 */
export function editNotebook(text: string, edit: CellEdit): EditedNotebook {
  const notebook = parseNotebook(text);
  switch (edit.edit_mode ?? "replace") {
    case "replace":
      return replaceCell(notebook, edit);
    case "insert":
      return insertCell(notebook, edit);
    case "delete":
      return deleteCell(notebook, edit);
  }
}

function replaceCell(notebook: Notebook, edit: CellEdit): EditedNotebook {
  const { index, cell } = namedCell(notebook, edit);
  const type = edit.cell_type ?? cell.type;
  const result = {
    cellId: cell.id ?? `cell-${index}`,
    cellType: type,
    oldSource: cell.source,
    language: notebook.language,
  };
  if (type === cell.type && cell.source === edit.new_source) {
    return { ...result, text: notebook.text };
  }
  const style = styleOf(notebook.text);
  const original = notebook.text.slice(cell.span.start, cell.span.end);
  const isWhole = findMember(cell.span, "source") !== undefined;
  const changed =
    type === cell.type && isWhole
      ? withValues(notebook.text, cell, valuesFor(cell, type, edit.new_source), style)
      : renderJson(retyped(original, type, edit.new_source), style, cellDepth);
  return { ...result, text: replaced(notebook.text, cell.span, changed) };
}

/** The members of a cell that a new source changes. */
function valuesFor(cell: NotebookCell, type: string, source: string): Record<string, unknown> {
  const isOneString = findMember(cell.span, "source")?.value.kind === "scalar";
  const lines = isOneString ? source : sourceLines(source);
  return type === "code"
    ? { execution_count: null, outputs: [], source: lines }
    : { source: lines };
}

/** The cell's text with some values replaced where they stand. */
function withValues(
  text: string,
  cell: NotebookCell,
  values: Readonly<Record<string, unknown>>,
  style: NotebookStyle,
): string {
  let changed = text.slice(cell.span.start, cell.span.end);
  const found = Object.entries(values)
    .flatMap(([key, value]) => {
      const member = findMember(cell.span, key);
      return member === undefined ? [] : [{ span: member.value, value }];
    })
    .sort((a, b) => b.span.start - a.span.start);
  for (const { span, value } of found) {
    const inside = { start: span.start - cell.span.start, end: span.end - cell.span.start };
    changed = replaced(changed, inside, renderJson(value, style, cellDepth + 1));
  }
  return changed;
}

/** A cell of the other type: same id and metadata, in the order in which Jupyter sorts them. */
function retyped(original: string, type: string, source: string): Record<string, unknown> {
  const {
    outputs: _outputs,
    execution_count: _count,
    ...kept
  } = JSON.parse(original) as Record<string, unknown>;
  const ofCode = type === "code" ? { execution_count: null, outputs: [] } : {};
  const members = { ...kept, ...ofCode, cell_type: type, source: sourceLines(source) };
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function insertCell(notebook: Notebook, edit: CellEdit): EditedNotebook {
  if (edit.cell_type === undefined) {
    throw new DraftError("DRAFT_TOOL_INPUT", "Cannot insert a cell: cell_type is missing.");
  }
  const { cellsSpan, cells, text } = notebook;
  const after = edit.cell_id === undefined ? -1 : cellIndexOf(notebook, edit.cell_id);
  const id = notebook.hasIds ? newCellId(notebook, edit.new_source) : undefined;
  const style = styleOf(text);
  const isCode = edit.cell_type === "code";
  const cell = {
    cell_type: edit.cell_type,
    ...(isCode ? { execution_count: null } : {}),
    ...(id === undefined ? {} : { id }),
    metadata: {},
    ...(isCode ? { outputs: [] } : {}),
    source: sourceLines(edit.new_source),
  };
  const rendered = renderJson(cell, style, cellDepth);
  const line =
    style.indent === undefined ? "" : `${style.newline}${style.indent.repeat(cellDepth)}`;
  const previous = cells[after];
  const first = cells[0];
  const result = {
    cellId: id ?? `cell-${after + 1}`,
    cellType: edit.cell_type,
    oldSource: undefined,
    language: notebook.language,
  };
  const separator = style.indent === undefined ? style.comma : `,${line}`;
  if (previous !== undefined) {
    const { end } = previous.span;
    return { ...result, text: replaced(text, { start: end, end }, `${separator}${rendered}`) };
  }
  if (first !== undefined) {
    const { start } = first.span;
    const place = { start, end: start };
    return { ...result, text: replaced(text, place, `${rendered}${separator}`) };
  }
  const closing =
    style.indent === undefined ? "" : `${style.newline}${style.indent.repeat(cellDepth - 1)}`;
  return { ...result, text: replaced(text, cellsSpan, `[${line}${rendered}${closing}]`) };
}

function deleteCell(notebook: Notebook, edit: CellEdit): EditedNotebook {
  const { index, cell } = namedCell(notebook, edit);
  const previous = notebook.cells[index - 1];
  const next = notebook.cells[index + 1];
  const { cellsSpan, text } = notebook;
  // With the cell goes the comma, and the space around it, that parts it from its neighbour.
  const range =
    next !== undefined
      ? { start: cell.span.start, end: next.span.start }
      : previous !== undefined
        ? { start: previous.span.end, end: cell.span.end }
        : { start: cellsSpan.start + 1, end: cellsSpan.end - 1 };
  return {
    text: replaced(text, range, ""),
    cellId: cell.id ?? `cell-${index}`,
    cellType: cell.type,
    oldSource: cell.source,
    language: notebook.language,
  };
}

function namedCell(notebook: Notebook, edit: CellEdit): { index: number; cell: NotebookCell } {
  if (edit.cell_id === undefined) {
    throw new DraftError("DRAFT_TOOL_INPUT", "Cannot edit a cell: cell_id is missing.");
  }
  const index = cellIndexOf(notebook, edit.cell_id);
  const cell = notebook.cells[index];
  if (cell === undefined) throw new DraftError("DRAFT_BUG", "BUG: a cell index without a cell.");
  return { index, cell };
}

/** Eight hexadecimal digits, as Jupyter's ids; derived from the content, so that runs repeat. */
function newCellId(notebook: Notebook, source: string): string {
  const taken = new Set(notebook.cells.map((cell) => cell.id));
  for (let round = 0; ; round++) {
    const seed = `${notebook.cells.length}\n${round}\n${source}`;
    const id = createHash("sha1").update(seed).digest("hex").slice(0, 8);
    if (!taken.has(id)) return id;
  }
}

function replaced(text: string, range: Pick<JsonSpan, "start" | "end">, by: string): string {
  return `${text.slice(0, range.start)}${by}${text.slice(range.end)}`;
}
