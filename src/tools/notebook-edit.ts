import { createHash } from "node:crypto";
import { DraftError } from "../errors.ts";
import { findMember, parseSpans } from "./json-spans.ts";
import {
  cellIndexOf,
  changeCells,
  type Notebook,
  type NotebookCell,
  type TextRange,
} from "./notebook.ts";
import { type NotebookStyle, renderJson, sourceLines, styleOf } from "./notebook-style.ts";

/** One change of one cell. */
export interface CellEdit {
  readonly cell_id?: string | undefined;
  readonly new_source: string;
  readonly cell_type?: "code" | "markdown" | undefined;
  readonly edit_mode?: "replace" | "insert" | "delete" | undefined;
}

/** A notebook after an edit, and the cell that it was about. */
export interface EditedNotebook extends EditedCell {
  readonly notebook: Notebook;
}

/** The cell that an edit was about. */
export interface EditedCell {
  readonly cellId: string;
  readonly cellType: string;
  readonly oldSource: string | undefined;
}

/** Depth at which the cells of a notebook stand: the root object, its list, the cell. */
const cellDepth = 2;

/**
 * Changes one cell in a notebook's text and leaves every byte outside of it as it is.
 *
 * Replacing the source of a code cell clears its outputs and execution count, which belong to the
 * old source. Inserted cells follow `cell_id`, or come first without one.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` when the cell is not there.
 */
export function editNotebook(notebook: Notebook, edit: CellEdit): EditedNotebook {
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
  };
  if (type === cell.type && cell.source === edit.new_source) return { ...result, notebook };
  const style = styleOf(notebook.text);
  const original = notebook.text.slice(cell.start, cell.end);
  const by =
    (type === cell.type ? withSource(original, type, edit.new_source, style) : undefined) ??
    renderJson(retyped(original, type, edit.new_source), style, cellDepth);
  const added = { start: 0, end: by.length };
  const changed = changeCells(notebook, { range: cell, by, index, removed: 1, added });
  return { ...result, notebook: changed };
}

/** The cell's text with another source; `undefined` where it has none. */
function withSource(
  text: string,
  type: string,
  source: string,
  style: NotebookStyle,
): string | undefined {
  const span = parseSpans(text);
  const found = findMember(span, "source")?.value;
  if (found === undefined) return undefined;
  const lines = found.kind === "scalar" ? source : sourceLines(source);
  // The outputs and the count of a code cell belong to the old source.
  const values: Record<string, unknown> =
    type === "code" ? { execution_count: null, outputs: [], source: lines } : { source: lines };
  const places = Object.entries(values)
    .flatMap(([key, value]) => {
      const member = findMember(span, key);
      return member === undefined ? [] : [{ place: member.value, value }];
    })
    .sort((a, b) => b.place.start - a.place.start);
  return places.reduce(
    (changed, { place, value }) =>
      replaced(changed, place, renderJson(value, style, cellDepth + 1)),
    text,
  );
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
  const { cellsRange, cells, text } = notebook;
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
  };
  const separator = style.indent === undefined ? style.comma : `,${line}`;
  const put = (range: TextRange, before: string, behind: string): EditedNotebook => {
    const added = { start: before.length, end: before.length + rendered.length };
    const by = `${before}${rendered}${behind}`;
    const change = { range, by, index: after + 1, removed: 0, added } as const;
    return { ...result, notebook: changeCells(notebook, change) };
  };
  if (previous !== undefined) {
    return put({ start: previous.end, end: previous.end }, separator, "");
  }
  if (first !== undefined) return put({ start: first.start, end: first.start }, "", separator);
  const closing =
    style.indent === undefined ? "" : `${style.newline}${style.indent.repeat(cellDepth - 1)}`;
  return put(cellsRange, `[${line}`, `${closing}]`);
}

function deleteCell(notebook: Notebook, edit: CellEdit): EditedNotebook {
  const { index, cell } = namedCell(notebook, edit);
  const previous = notebook.cells[index - 1];
  const next = notebook.cells[index + 1];
  const { cellsRange } = notebook;
  // With the cell goes the comma, and the space around it, that parts it from its neighbour.
  const range =
    next !== undefined
      ? { start: cell.start, end: next.start }
      : previous !== undefined
        ? { start: previous.end, end: cell.end }
        : { start: cellsRange.start + 1, end: cellsRange.end - 1 };
  return {
    notebook: changeCells(notebook, { range, by: "", index, removed: 1 }),
    cellId: cell.id ?? `cell-${index}`,
    cellType: cell.type,
    oldSource: cell.source,
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

function replaced(text: string, range: TextRange, by: string): string {
  return `${text.slice(0, range.start)}${by}${text.slice(range.end)}`;
}
