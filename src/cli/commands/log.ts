import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { checkpointDocument, checkpointLine, commandLines } from "../view/checkpoint-view.ts";

interface LogOptions extends CommonOptions {
  readonly limit?: number;
  readonly byCommand?: boolean;
}

/** `draftfs log`: the checkpoints, newest first. */
export function execute(context: CommandContext, options: LogOptions): Promise<number> {
  return withHistory(context, options, async (overlay, { out }) => {
    const { limit } = options;
    const checkpoints = await overlay.log(limit === undefined ? {} : { limit });
    if (options.json === true) {
      out.json({ checkpoints: checkpoints.map(checkpointDocument) });
      return exitCodes.ok;
    }
    for (const checkpoint of checkpoints) {
      out.write(checkpointLine(checkpoint, out) + commandLines(checkpoint, out, options.byCommand));
    }
    if (checkpoints.length === 0) out.write("There are no checkpoints yet.\n");
    return exitCodes.ok;
  });
}
