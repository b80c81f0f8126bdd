import { listDrafts } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { rootOf } from "../root-of.ts";
import { localTime } from "../view/local-time.ts";
import { bytesText, countText } from "../view/quantities.ts";

/** `draftfs drafts`: the saved drafts of a root. */
export async function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  const drafts = await listDrafts(rootOf(context, options), {
    ...(options.force === true ? { force: true } : {}),
  });
  const { out } = context;
  if (options.json === true) {
    out.json({ drafts });
    return exitCodes.ok;
  }
  for (const { name, entries, savedMs, bytes, fault } of drafts) {
    const what = fault ?? `${countText(entries, "entry", "entries")}, ${bytesText(bytes)}`;
    out.write(`${out.paint("bold", name)}  ${localTime(new Date(savedMs))}  ${what}\n`);
  }
  if (drafts.length === 0) out.write("There are no drafts.\n");
  return exitCodes.ok;
}
