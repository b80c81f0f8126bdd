import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";

/** `draftfs redo`: brings back what the last undo took back. */
export function execute(context: CommandContext, options: TakeBackOptions): Promise<number> {
  return takeBack(context, options, {
    preview: (history, force) => history.previewRedo(force),
    perform: (history, force) => history.redo(force),
    next: "Take it back with draftfs undo.",
  });
}
