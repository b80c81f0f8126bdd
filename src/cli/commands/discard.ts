import { isDraftError } from "../../errors.ts";
import { removeDraft } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { draftNameOf, withOverlay } from "../open-root.ts";
import { ask } from "../question.ts";
import { rootOf } from "../root-of.ts";
import { printable } from "../terminal.ts";
import { summaryLines } from "../view/change-summary.ts";
import { totalsText } from "../view/changes-view.ts";
import { shownChangesOf, totalsOf } from "../view/shown-changes.ts";

interface DiscardOptions extends CommonOptions {
  /** Asks nothing. */
  readonly yes?: boolean;
}

/**
 * `draftfs discard`: throws a draft away, also one that cannot be read any more. On a terminal it
 * shows what will be lost, and asks.
 */
export async function execute(context: CommandContext, options: DiscardOptions): Promise<number> {
  const { out, err, input } = context;
  const draft = draftNameOf(options);
  const directory = rootOf(context, options);
  const isAsking = out.isTerminal && err.isTerminal && input.isTTY === true;
  if (isAsking && options.yes !== true && options.json !== true) {
    const shown = await showLoss(context, { ...options, directory });
    const reply = shown === "something" ? await askForLoss(context) : "discard";
    if (reply !== "discard") {
      err.write("Kept.\n");
      return reply === "interrupt" ? exitCodes.interrupted : exitCodes.ok;
    }
  }
  const discarded = await removeDraft(directory, draft, {
    ...(options.force === true ? { force: true } : {}),
    ...(options.trustOwner === true ? { trustOwner: true } : {}),
  });
  if (options.json === true) out.json({ draft, discarded });
  else if (discarded) out.write(`Discarded the draft ${draft}.\n`);
  else out.write(`Nothing is pending in the draft ${draft}.\n`);
  return exitCodes.ok;
}

function askForLoss(context: CommandContext) {
  const answers = [
    { value: "discard", key: undefined },
    { value: "keep", key: "k" },
  ] as const;
  const question = `${context.err.paint("bold", "discard, keep?")} [keep] `;
  return ask(context, question, answers, "keep");
}

/** Shows what the draft holds; one that is damaged cannot be shown, and is lost already. */
async function showLoss(
  context: CommandContext,
  options: CommonOptions,
): Promise<"nothing" | "something"> {
  const { err } = context;
  const draft = draftNameOf(options);
  const show = async (overlay: Parameters<Parameters<typeof withOverlay>[2]>[0]) => {
    const diff = await overlay.diff();
    if (diff.changes.length === 0) return "nothing";
    const shown = shownChangesOf(diff);
    err.write(summaryLines(shown, err));
    err.write(`Draft ${draft}: ${totalsText(totalsOf(shown))}.\n`);
    return "something";
  };
  try {
    return await withOverlay(context, options, show, { readOnly: true });
  } catch (error) {
    if (!isDraftError(error) || error.code !== "DRAFT_FORMAT_CORRUPT") throw error;
    err.write(`${printable(error.message)}\n`);
    return "something";
  }
}
