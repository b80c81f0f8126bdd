import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { comparedLines, comparedTotals } from "../view/compared-view.ts";
import { writePatchBytes } from "../view/patch-view.ts";

interface CompareOptions extends CommonOptions {
  readonly from: string;
  readonly to: string;
  readonly stat?: boolean;
}

/** `draftfs compare`: what differs between the states that two checkpoints left, as a patch. */
export function execute(context: CommandContext, options: CompareOptions): Promise<number> {
  return withHistory(context, options, async (overlay, { out }) => {
    const [from, to] = [await overlay.show(options.from), await overlay.show(options.to)];
    const files = await overlay.compareFigures(from.id, to.id);
    const isStat = options.stat === true;
    if (options.json === true) {
      const patch = isStat ? undefined : await overlay.compare(from.id, to.id);
      out.json({
        from: from.id,
        to: to.id,
        files,
        totals: comparedTotals(files),
        ...(patch === undefined ? {} : { patchBase64: patch.toString("base64") }),
      });
    } else if (isStat) {
      out.write(comparedLines(files, out));
    } else {
      writePatchBytes(await overlay.compare(from.id, to.id), out);
    }
    return files.length === 0 ? exitCodes.ok : exitCodes.pending;
  });
}
