import { DraftError, isDraftError } from "../../errors.ts";
import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";
import { UsageError } from "../usage-error.ts";

interface UndoOptions extends TakeBackOptions {
  /** How many operations, or the name of one; default: one. */
  readonly what?: string;
}

/** A plain number is a count; `@12` and ids are names. */
const count = /^[1-9]\d{0,3}$/;

/** `draftfs undo`: takes operations back, as a new operation. */
export function execute(context: CommandContext, options: UndoOptions): Promise<number> {
  const { what } = options;
  if (what === "0") throw new UsageError("Cannot undo 0 operations: give a count from 1.");
  const target =
    what === undefined ? {} : count.test(what) ? { count: Number(what) } : { checkpoint: what };
  return explaining(
    what,
    takeBack(context, options, {
      preview: (overlay, force) => overlay.previewUndo({ ...target, ...force }),
      perform: (overlay, how) => overlay.undo({ ...target, ...how }),
      inverse: "redo",
    }),
  );
}

/** Who gives a number may have meant the checkpoint of that number. */
async function explaining(what: string | undefined, undoing: Promise<number>): Promise<number> {
  try {
    return await undoing;
  } catch (error) {
    const isCount = what !== undefined && what !== "1" && count.test(what);
    if (!isCount || !isDraftError(error) || error.code !== "DRAFT_CHECKPOINT_MISSING") throw error;
    const hint = `To undo checkpoint ${what} alone, name it: draftfs undo @${what}.`;
    throw new DraftError(error.code, `${error.message} ${hint}`, { cause: error });
  }
}
