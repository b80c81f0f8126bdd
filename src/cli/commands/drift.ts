import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { printable } from "../terminal.ts";
import { withProgress } from "../with-progress.ts";

/** `draftfs drift`: recorded paths that are not as the last checkpoint left them. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  return withHistory(context, options, async (overlay, { out }) => {
    const drift = await withProgress(context, ({ signal }) => overlay.drift({ signal }));
    if (options.json === true) out.json({ drift });
    else
      for (const { path, reason } of drift) out.write(`${reason.padEnd(8)}  ${printable(path)}\n`);
    return drift.length === 0 ? exitCodes.ok : exitCodes.pending;
  });
}
