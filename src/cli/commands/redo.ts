import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";

/** `draftfs redo`: brings back what the last undo took back. */
export function execute(context: CommandContext, options: TakeBackOptions): Promise<number> {
  return takeBack(context, options, {
    preview: (overlay, force) => overlay.previewRedo(force),
    perform: (overlay, how) => overlay.redo(how),
    inverse: "undo",
  });
}
