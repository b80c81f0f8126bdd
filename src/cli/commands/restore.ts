import type { Overlay } from "../../index.ts";
import type { CommandContext } from "../command-context.ts";
import { treePathsOf } from "../path-patterns.ts";
import { type TakeBackOptions, takeBack } from "../take-back.ts";

interface RestoreOptions extends TakeBackOptions {
  readonly checkpoint: string;
  readonly paths: readonly string[];
}

/** `draftfs restore`: recorded paths as they were at a checkpoint. */
export function execute(context: CommandContext, options: RestoreOptions): Promise<number> {
  const { checkpoint, paths } = options;
  const targetIn = ({ root }: Overlay) => {
    const inside = treePathsOf(root, options, paths);
    return { checkpoint, ...(paths.length === 0 ? {} : { paths: inside }) };
  };
  return takeBack(context, options, {
    preview: (overlay, force) => overlay.previewRestore({ ...targetIn(overlay), ...force }),
    perform: (overlay, how) => overlay.restore({ ...targetIn(overlay), ...how }),
    inverse: "undo",
  });
}
