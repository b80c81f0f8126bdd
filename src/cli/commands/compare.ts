import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { writePatchBytes } from "../patch-view.ts";

interface CompareOptions extends CommonOptions {
  readonly from: string;
  readonly to: string;
}

/** `draftfs compare`: what differs between the states that two checkpoints left, as a patch. */
export function execute(context: CommandContext, options: CompareOptions): Promise<number> {
  return withHistory(context, options, async (overlay) => {
    const { out } = context;
    const [from, to] = [await overlay.show(options.from), await overlay.show(options.to)];
    const patch = await overlay.compare(from.id, to.id);
    if (options.json === true) {
      out.json({ from: from.id, to: to.id, patchBase64: patch.toString("base64") });
    } else {
      writePatchBytes(patch, out);
    }
    return patch.length === 0 ? exitCodes.ok : exitCodes.pending;
  });
}
