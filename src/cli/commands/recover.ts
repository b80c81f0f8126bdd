import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";

/** `draftfs recover`: what every other command does first, by itself. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  return withHistory(context, options, async ({ recovered }, { out }) => {
    if (options.json === true) out.json({ recovered: { ...recovered } });
    else if (recovered.outcome === "clean") out.write("Nothing to recover.\n");
    return recovered.outcome === "refused" ? exitCodes.failed : exitCodes.ok;
  });
}
