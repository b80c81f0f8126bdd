import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";

interface UndoOptions extends TakeBackOptions {
  /** How many operations, or the name of one; default: one. */
  readonly what?: string;
}

/** Numbers up to this are counts; `#12` and ids are names. */
const count = /^[1-9]\d{0,3}$/;

/** `draftfs undo`: takes operations back, as a new operation. */
export function execute(context: CommandContext, options: UndoOptions): Promise<number> {
  const { what } = options;
  const target =
    what === undefined ? {} : count.test(what) ? { count: Number(what) } : { checkpoint: what };
  return takeBack(context, options, {
    preview: (overlay, force) => overlay.previewUndo({ ...target, ...force }),
    perform: (overlay, force) => overlay.undo({ ...target, ...force }),
    next: "Bring it back with draftfs redo.",
  });
}
