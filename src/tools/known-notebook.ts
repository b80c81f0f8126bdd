import { MIB } from "../limits.ts";
import { type Notebook, parseNotebook } from "./notebook.ts";

/** Larger ones are parsed for each call: they are rare, and would stay in memory twice. */
const keptCharactersMax = 8 * MIB;

/**
 * The notebook that was edited last over each overlay. Whoever edits one cell edits others soon,
 * and parsing takes longer than all the rest.
 */
const lastEdited = new WeakMap<object, Notebook>();

/**
 * The notebook of a text. The one that was kept counts only where its text is the same, whoever has
 * changed the file meanwhile.
 *
 * @throws {DraftError} as `parseNotebook`.
 */
export function knownNotebook(overlay: object, text: string): Notebook {
  const known = lastEdited.get(overlay);
  return known?.text === text ? known : parseNotebook(text);
}

/** Keeps a notebook for the next call, in place of any other. */
export function keepNotebook(overlay: object, notebook: Notebook): void {
  if (notebook.text.length <= keptCharactersMax) lastEdited.set(overlay, notebook);
  else lastEdited.delete(overlay);
}
