import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import {
  checkpointDocument,
  checkpointLine,
  commandLines,
  recordedLines,
} from "../view/checkpoint-view.ts";
import { writePatchBytes } from "../view/patch-view.ts";

interface ShowOptions extends CommonOptions {
  readonly patch?: boolean;
  readonly checkpoint?: string;
}

/** `draftfs show`: what one checkpoint changed. */
export function execute(context: CommandContext, options: ShowOptions): Promise<number> {
  return withHistory(context, options, async (overlay, { out }) => {
    const checkpoint = await overlay.show(options.checkpoint ?? "latest");
    if (options.json === true) {
      out.json(checkpointDocument(checkpoint));
    } else {
      out.write(checkpointLine(checkpoint, out) + commandLines(checkpoint, out));
      if (options.patch === true) {
        writePatchBytes(await overlay.compare(checkpoint.id), out);
      } else {
        out.write(recordedLines(checkpoint.manifest.changes, out));
      }
    }
    return exitCodes.ok;
  });
}
