import { writePlainFile } from "../../disk/plain-file.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { nextStep } from "../next-step.ts";
import { draftNameOf, withOverlay } from "../open-root.ts";
import { patternsOf } from "../path-patterns.ts";
import { progressLine } from "../progress.ts";
import { printable } from "../terminal.ts";
import { countText } from "../view/quantities.ts";

interface PlanOptions extends CommonOptions {
  readonly paths: readonly string[];
  /** The file to write; `-` for standard output. */
  readonly output: string;
}

/** `draftfs plan`: what is pending as a file that `draftfs apply` carries out later. */
export function execute(context: CommandContext, options: PlanOptions): Promise<number> {
  const { output } = options;
  return withOverlay(
    context,
    options,
    async (overlay, { out, err }) => {
      const include = await patternsOf(overlay, options, options.paths);
      const line = progressLine(err, "read");
      const selection = include === undefined ? {} : { include };
      const plan = await overlay
        .plan({ ...selection, onProgress: line.update })
        .finally(line.clear);
      const text = `${JSON.stringify(plan, undefined, 2)}\n`;
      const count = plan.changes.length;
      if (output === "-") out.write(text);
      else writePlainFile(output, Buffer.from(text));
      if (output !== "-" && options.json === true) {
        out.json({ draft: draftNameOf(options), plan: output, changes: count });
      } else if (output !== "-") {
        out.write(`Wrote ${countText(count, "change")} to ${printable(output)}. `);
        out.write(`Carry it out with ${nextStep(["apply", output], options)}.\n`);
      }
      return count > 0 ? exitCodes.pending : exitCodes.ok;
    },
    { readOnly: true },
  );
}
