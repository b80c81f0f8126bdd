import { removeDraft } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { draftNameOf } from "../open-root.ts";

/** `draftfs discard`: throws a draft away, also one that cannot be read any more. */
export async function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  const draft = draftNameOf(options);
  const discarded = await removeDraft(options.directory ?? ".", draft, {
    ...(options.force === true ? { force: true } : {}),
  });
  if (options.json === true) context.out.json({ draft, discarded });
  else if (discarded) context.out.write(`Discarded the draft ${draft}.\n`);
  else context.out.write(`Nothing is pending in the draft ${draft}.\n`);
  return exitCodes.ok;
}
