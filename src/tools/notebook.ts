import { DraftError } from "../errors.ts";
import { findMember, type JsonSpan, parseSpans } from "./json-spans.ts";

/** One cell as a reader sees it. */
export interface CellView {
  /** Its id, or `cell-N` (N from 0) where the notebook is too old to have ids. */
  readonly cellId: string;
  readonly cellType: string;
  readonly source: string;
  /** What a run left behind, as plain JSON. */
  readonly outputs?: readonly unknown[];
}

/** One cell, and where it stands in the text. */
export interface NotebookCell extends TextRange {
  readonly id: string | undefined;
  readonly type: string;
  readonly source: string;
}

/** A part of a text. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A notebook (nbformat 4) and where its cells stand in the text. */
export interface Notebook {
  readonly text: string;
  readonly cells: readonly NotebookCell[];
  readonly cellsRange: TextRange;
  /** Language of the code cells; `python` when the notebook does not say. */
  readonly language: string;
  /** Whether cells have ids: nbformat 4.5 and later. */
  readonly hasIds: boolean;
}

/**
 * Reads a notebook.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for text that is no notebook of nbformat 4.
 */
export function parseNotebook(text: string): Notebook {
  const root = parseSpans(text);
  const major = scalarOf(root, "nbformat");
  const cellsSpan = findMember(root, "cells")?.value;
  if (major !== 4 || cellsSpan?.kind !== "array") {
    throw new DraftError(
      "DRAFT_TOOL_INPUT",
      `Cannot edit the notebook: it has nbformat ${JSON.stringify(major ?? null)}, only 4 is ` +
        "known. Convert it with jupyter nbconvert --to notebook.",
    );
  }
  const metadata = findMember(root, "metadata")?.value;
  const language =
    scalarOf(findMember(metadata, "language_info")?.value, "name") ??
    scalarOf(findMember(metadata, "kernelspec")?.value, "language");
  return {
    text,
    cells: cellsSpan.items.map((span) => cellOf(span)),
    cellsRange: { start: cellsSpan.start, end: cellsSpan.end },
    language: typeof language === "string" ? language : "python",
    hasIds: Number(scalarOf(root, "nbformat_minor") ?? 0) >= 5,
  };
}

/** The cells of a notebook for a reader. */
export function cellsOf(text: string): CellView[] {
  return parseNotebook(text).cells.map((cell, index) => {
    const { outputs } = JSON.parse(text.slice(cell.start, cell.end)) as { outputs?: unknown };
    const shown = { cellId: cell.id ?? `cell-${index}`, cellType: cell.type, source: cell.source };
    return Array.isArray(outputs) ? { ...shown, outputs: outputs as unknown[] } : shown;
  });
}

/**
 * The index of the cell that an id names: an id of the notebook, or `cell-N` counted from 0.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` when there is none.
 */
export function cellIndexOf(notebook: Notebook, cellId: string): number {
  const byId = notebook.cells.findIndex((cell) => cell.id === cellId);
  if (byId >= 0) return byId;
  const byPlace = /^cell-(\d{1,9})$/.exec(cellId)?.[1];
  if (byPlace !== undefined && Number(byPlace) < notebook.cells.length) return Number(byPlace);
  const known = notebook.cells.map((cell, index) => cell.id ?? `cell-${index}`);
  throw new DraftError(
    "DRAFT_TOOL_INPUT",
    `There is no cell ${cellId}. The notebook has ${known.slice(0, 20).join(", ") || "no cells"}` +
      `${known.length > 20 ? ` and ${known.length - 20} more` : ""}.`,
    { details: { cellId } },
  );
}

/** A change of a notebook's text between the brackets of its cells. */
export interface CellsChange {
  readonly range: TextRange;
  readonly by: string;
  /** Index of the cell that goes, or before which one comes. */
  readonly index: number;
  readonly removed: 0 | 1;
  /** Where in `by` the cell stands that comes. */
  readonly added?: TextRange;
}

/** A notebook after a change, of which no more is parsed than the cell that came. */
export function changeCells(notebook: Notebook, change: CellsChange): Notebook {
  const { range, by, index, removed, added } = change;
  const { cells, cellsRange } = notebook;
  const longer = by.length - (range.end - range.start);
  const came =
    added === undefined
      ? []
      : [cellOf(parseSpans(by.slice(added.start, added.end)), range.start + added.start)];
  return {
    ...notebook,
    text: `${notebook.text.slice(0, range.start)}${by}${notebook.text.slice(range.end)}`,
    cells: [
      ...cells.slice(0, index),
      ...came,
      ...cells.slice(index + removed).map((cell) => moved(cell, longer)),
    ],
    cellsRange: { start: cellsRange.start, end: cellsRange.end + longer },
  };
}

function moved({ start, end, id, type, source }: NotebookCell, by: number): NotebookCell {
  return { start: start + by, end: end + by, id, type, source };
}

/** @param offset where the text that was parsed begins. */
function cellOf(span: JsonSpan, offset = 0): NotebookCell {
  const id = scalarOf(span, "id");
  return {
    start: span.start + offset,
    end: span.end + offset,
    id: typeof id === "string" ? id : undefined,
    type: String(scalarOf(span, "cell_type") ?? ""),
    source: sourceOf(findMember(span, "source")?.value),
  };
}

/** nbformat writes a source as one string or as a list of lines with their endings. */
function sourceOf(span: JsonSpan | undefined): string {
  if (span?.kind === "array") return span.items.map(sourceOf).join("");
  return span?.kind === "scalar" && typeof span.value === "string" ? span.value : "";
}

function scalarOf(span: JsonSpan | undefined, key: string) {
  const value = findMember(span, key)?.value;
  return value?.kind === "scalar" ? value.value : undefined;
}
