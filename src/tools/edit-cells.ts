import { inSavepoint } from "../engines/apply-changes.ts";
import type { FileStates } from "../engines/file-states.ts";
import { profileFor } from "../engines/optimizer-settings.ts";
import { runPlain } from "../engines/run-plain.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { timed } from "./file-result.ts";
import { keepNotebook, knownNotebook } from "./known-notebook.ts";
import type { Notebook } from "./notebook.ts";
import { type CellEdit, type EditedCell, editNotebook } from "./notebook-edit.ts";
import { type ReplacedContent, replaceContent } from "./replace-content.ts";
import type { ToolContext } from "./tool.ts";

/** A notebook that is about to be edited, as it was read. */
export interface OpenNotebook {
  readonly path: string;
  readonly states: FileStates;
  readonly original: string;
}

/** What the edits of a notebook came to. */
export interface EditedCells extends ReplacedContent {
  readonly steps: readonly EditedCell[];
  /** The notebook after all of them. */
  readonly notebook: Notebook;
  readonly reads: number;
}

/**
 * Changes cells in order, all or none, with one write; or, where the profile of an agent asks for
 * it, with a read and a write each, and with what comes before a failing one left in place.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` as `editNotebook` throws it, with file and edit.
 */
export function editCells(
  context: ToolContext,
  opened: OpenNotebook,
  edits: readonly CellEdit[],
): EditedCells {
  const { coalescing, rollback } = profileFor(context.overlay, context.settings);
  let notebook = openNotebook(context, opened);
  const steps: EditedCell[] = [];
  // Where there is one write for all, what lies in between need not stay in memory.
  const texts: string[] = [];
  let failure: unknown;
  for (const [index, edit] of edits.entries()) {
    try {
      const { notebook: edited, ...step } = editNotebook(notebook, edit);
      notebook = edited;
      steps.push(step);
      if (!coalescing) texts.push(edited.text);
    } catch (error) {
      const place = edits.length === 1 ? "" : `, edit ${index + 1} of ${edits.length}`;
      failure = namingPlace(error, opened.path, place);
      if (rollback || steps.length === 0) throw failure;
      break;
    }
  }
  const written = coalescing
    ? writeOnce(context, opened, notebook.text)
    : writeEach(context, opened, texts);
  keepNotebook(context.overlay, notebook);
  if (failure !== undefined) throw tellingWhatStays(failure, steps.length);
  return { steps, notebook, ...written };
}

function openNotebook({ overlay }: ToolContext, { path, original }: OpenNotebook): Notebook {
  try {
    return knownNotebook(overlay, original);
  } catch (error) {
    throw namingPlace(error, path, "");
  }
}

type Written = Omit<EditedCells, "steps" | "notebook">;

function writeOnce(context: ToolContext, { path, states }: OpenNotebook, text: string): Written {
  const bytes = Buffer.from(text, "utf8");
  const { reads } = states;
  return { reads, ...replaceContent(context, states, path, bytes) };
}

function writeEach(
  { overlay }: ToolContext,
  { path, states }: OpenNotebook,
  texts: readonly string[],
): Written {
  let { reads } = states;
  let bytesWritten = 0;
  const { durationMs } = timed(() =>
    inSavepoint(overlay, () => {
      for (const [index, text] of texts.entries()) {
        if (index > 0) {
          overlay.fs.readFileSync(path);
          reads += 1;
        }
        const bytes = Buffer.from(text, "utf8");
        bytesWritten += runPlain(overlay, { kind: "write", path, bytes }).bytesWritten;
      }
    }),
  );
  return { reads, writes: texts.length, bytesWritten, durationMs };
}

function namingPlace(failure: unknown, path: string, place: string): unknown {
  if (!isDraftError(failure)) return failure;
  const { code, message, details } = failure;
  return new DraftError(code, `${path}${place}: ${message}`, { path, details, cause: failure });
}

function tellingWhatStays(failure: unknown, applied: number): unknown {
  if (!isDraftError(failure)) return failure;
  const before = applied === 1 ? "The edit before it stays" : `The ${applied} edits before it stay`;
  return new DraftError(failure.code, `${failure.message} ${before} applied.`, {
    ...(failure.path === undefined ? {} : { path: failure.path }),
    cause: failure,
  });
}
