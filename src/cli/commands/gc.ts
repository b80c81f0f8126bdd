import type { Overlay } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { bytesText, countText } from "../quantities.ts";

interface GcOptions extends CommonOptions {
  readonly keep?: number;
}

/** `draftfs gc`: forgets old checkpoints and packs the rest together. */
export function execute(context: CommandContext, options: GcOptions): Promise<number> {
  const collect = async (overlay: Overlay): Promise<number> => {
    const { keep } = options;
    const report = await overlay.collectGarbage(keep === undefined ? {} : { operations: keep });
    const { out } = context;
    if (options.json === true) {
      out.json(report);
    } else if (report.outcome === "nothing") {
      out.write("Nothing to collect.\n");
    } else if (report.outcome === "busy") {
      out.write("Nothing was collected: another process is committing. Try again later.\n");
    } else {
      const kept = `Kept ${countText(report.kept, "checkpoint")}, forgot ${report.pruned}`;
      out.write(`${kept}: ${bytesText(report.bytesBefore)} → ${bytesText(report.bytesAfter)}.\n`);
    }
    return report.outcome === "busy" ? exitCodes.locked : exitCodes.ok;
  };
  // What a retention that cannot be read was to keep must not be forgotten.
  return withHistory(context, options, collect, {});
}
