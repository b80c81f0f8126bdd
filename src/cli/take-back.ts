import { DraftError, isDraftError } from "../errors.ts";
import type { CommitReceipt, Overlay, RecoveryPlan } from "../index.ts";
import { collectLater } from "./collect-later.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { nextStep } from "./next-step.ts";
import { withHistory } from "./open-root.ts";
import { printable } from "./terminal.ts";
import { summaryLines } from "./view/change-summary.ts";
import { changeLines } from "./view/changes-view.ts";
import { receiptDocument, receiptText } from "./view/receipt-view.ts";
import { type Watch, withProgress } from "./with-progress.ts";

/** What `undo`, `redo` and `restore` have in common. */
export interface TakeBackOptions extends CommonOptions {
  /** Only shows what would happen. */
  readonly dryRun?: boolean;
  /** Goes on where the disk has moved on; what is lost is in the new checkpoint. */
  readonly overwrite?: boolean;
}

type Force = { readonly force?: true };

/** One of `undo`, `redo` and `restore`. */
export interface TakingBack {
  readonly preview: (overlay: Overlay, force: Force) => Promise<RecoveryPlan>;
  readonly perform: (overlay: Overlay, how: Force & Watch) => Promise<CommitReceipt>;
  /** The command that takes it back in turn. */
  readonly inverse: "undo" | "redo";
}

/** Shows what an operation will do, deletions included, and does it unless it is a dry run. */
export function takeBack(
  context: CommandContext,
  options: TakeBackOptions,
  taking: TakingBack,
): Promise<number> {
  const force: Force = options.overwrite === true ? { force: true } : {};
  return withHistory(context, options, async (overlay, { out }) => {
    const plan = await taking.preview(overlay, force);
    const { operation, message, changeSet, deletions, kept } = plan;
    if (options.json !== true) {
      out.write(`${message}\n`);
      const shown = changeSet.changes.map((change) => ({ change, lines: undefined }));
      // A dry run is asked for to see all of it, and so is what goes to a file.
      const isBrief = out.isTerminal && options.dryRun !== true;
      out.write(isBrief ? summaryLines(shown, out) : changeLines(shown, out));
      for (const path of kept) {
        out.write(`  kept      ${printable(path)}/  holds what was put there since\n`);
      }
    }
    if (options.dryRun === true) {
      const { changes } = changeSet;
      const paths = changes.map(({ kind, path }) => ({ kind, path }));
      if (options.json === true) out.json({ operation, message, deletions, kept, changes: paths });
      else if (changes.length === 0) out.write("Nothing would change: all is as it was.\n");
      else out.write("A dry run: nothing on disk has changed.\n");
      return exitCodes.ok;
    }
    const receipt = await withProgress(context, (watch) =>
      unlessNothing(taking.perform(overlay, { ...force, ...watch })),
    );
    if (receipt instanceof DraftError) {
      if (options.json === true) out.json({ operation, message, kept, changes: [] });
      else out.write(`${receipt.message}\n`);
      return exitCodes.ok;
    }
    collectLater(overlay);
    if (options.json === true) out.json({ operation, message, kept, ...receiptDocument(receipt) });
    else out.write(`${receiptText(receipt)}\n${nextText(taking.inverse, options)}\n`);
    return exitCodes.ok;
  });
}

/** That nothing is to be done is an answer, as it is for a commit. */
async function unlessNothing(taking: Promise<CommitReceipt>): Promise<CommitReceipt | DraftError> {
  try {
    return await taking;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_NOTHING_PENDING") return error;
    throw error;
  }
}

function nextText(inverse: TakingBack["inverse"], options: CommonOptions): string {
  const verb = inverse === "undo" ? "Take it back" : "Bring it back";
  return `${verb} with ${nextStep([inverse], options)}.`;
}
