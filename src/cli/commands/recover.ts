import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { printable } from "../terminal.ts";

/** `draftfs recover`: what every other command does first, by itself. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  return withHistory(context, options, async ({ recovered }, { out, err }) => {
    const { outcome, leftToPerson } = recovered;
    // What is whole, but for its checkpoint, is left to the command that was asked for just that.
    const isStuck = outcome === "clean" && leftToPerson.length > 0;
    if (options.json === true) out.json({ recovered: { ...recovered } });
    else if (isStuck) for (const advice of leftToPerson) err.write(`${printable(advice)}\n`);
    else if (outcome === "clean") out.write("Nothing to recover.\n");
    return isStuck || outcome === "refused" ? exitCodes.failed : exitCodes.ok;
  });
}
