import { describeReport, doctor } from "../../index.ts";
import { forCommandLine } from "../../ways.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { rootOf } from "../root-of.ts";

/** `draftfs doctor`: what isolation this system offers for the root, and what would improve it. */
export async function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  const force = options.force === true ? { force: true } : {};
  const report = await doctor(rootOf(context, options), force);
  if (options.json === true) context.out.json(report);
  else context.out.write(forCommandLine(describeReport(report)));
  return report.chosen === undefined ? exitCodes.isolation : exitCodes.ok;
}
