import type { CommandContext } from "../command-context.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";

interface RestoreOptions extends TakeBackOptions {
  readonly checkpoint: string;
  readonly paths: readonly string[];
}

/** `draftfs restore`: recorded paths as they were at a checkpoint. */
export function execute(context: CommandContext, options: RestoreOptions): Promise<number> {
  const { checkpoint, paths } = options;
  const target = { checkpoint, ...(paths.length === 0 ? {} : { paths }) };
  return takeBack(context, options, {
    preview: (overlay, force) => overlay.previewRestore({ ...target, ...force }),
    perform: (overlay, force) => overlay.restore({ ...target, ...force }),
    next: "Take it back with draftfs undo.",
  });
}
