import { inSavepoint } from "../engines/apply-changes.ts";
import type { FileStates } from "../engines/file-states.ts";
import { profileFor } from "../engines/optimizer-settings.ts";
import { runPlain } from "../engines/run-plain.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { timed } from "./file-result.ts";
import { type CellEdit, type EditedNotebook, editNotebook } from "./notebook-edit.ts";
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
  /** The notebook after each of them. */
  readonly steps: readonly EditedNotebook[];
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
  notebook: OpenNotebook,
  edits: readonly CellEdit[],
): EditedCells {
  const { coalescing, rollback } = profileFor(context.overlay, context.settings);
  const steps: EditedNotebook[] = [];
  let failure: unknown;
  for (const [index, edit] of edits.entries()) {
    try {
      steps.push(editNotebook(steps.at(-1)?.text ?? notebook.original, edit));
    } catch (error) {
      const place = edits.length === 1 ? "" : `, edit ${index + 1} of ${edits.length}`;
      failure = namingPlace(error, notebook.path, place);
      if (rollback || steps.length === 0) throw failure;
      break;
    }
  }
  const written = coalescing
    ? writeOnce(context, notebook, steps)
    : writeEach(context, notebook, steps);
  if (failure !== undefined) throw tellingWhatStays(failure, steps.length);
  return { steps, ...written };
}

type Written = Omit<EditedCells, "steps">;

function writeOnce(
  context: ToolContext,
  { path, states, original }: OpenNotebook,
  steps: readonly EditedNotebook[],
): Written {
  const bytes = Buffer.from(steps.at(-1)?.text ?? original, "utf8");
  const { reads } = states;
  return { reads, ...replaceContent(context, states, path, bytes) };
}

function writeEach(
  { overlay }: ToolContext,
  { path, states }: OpenNotebook,
  steps: readonly EditedNotebook[],
): Written {
  let { reads } = states;
  let bytesWritten = 0;
  const { durationMs } = timed(() =>
    inSavepoint(overlay, () => {
      for (const [index, { text }] of steps.entries()) {
        if (index > 0) {
          overlay.fs.readFileSync(path);
          reads += 1;
        }
        const bytes = Buffer.from(text, "utf8");
        bytesWritten += runPlain(overlay, { kind: "write", path, bytes }).bytesWritten;
      }
    }),
  );
  return { reads, writes: steps.length, bytesWritten, durationMs };
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
