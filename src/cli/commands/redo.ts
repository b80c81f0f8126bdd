import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";
import { UsageError } from "../usage-error.ts";

interface RedoOptions extends TakeBackOptions {
  /** How many operations; default: all that the last undo took back. */
  readonly count?: string;
}

/** `draftfs redo`: brings back what was undone. */
export function execute(context: CommandContext, options: RedoOptions): Promise<number> {
  const { count } = options;
  if (count !== undefined && !/^[1-9]\d{0,3}$/.test(count)) {
    const hint = /^[@0-9a-f]/.test(count) ? " Undo an undo by its name to redo just that." : "";
    throw new UsageError(`Cannot redo ${JSON.stringify(count)}: give a count from 1.${hint}`);
  }
  const target = count === undefined ? {} : { count: Number(count) };
  return takeBack(context, options, {
    preview: (overlay, force) => overlay.previewRedo({ ...target, ...force }),
    perform: (overlay, how) => overlay.redo({ ...target, ...how }),
    inverse: "undo",
  });
}
