import { isDraftError } from "../errors.ts";
import {
  type CommitRequest,
  mergingResolver,
  type Overlay,
  type OverlayReceipt,
} from "../index.ts";
import { collectLater } from "./collect-later.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { nextStep } from "./next-step.ts";
import { draftNameOf } from "./open-root.ts";
import { checkedPatterns, patternsOf } from "./path-patterns.ts";
import { unsupportedNote } from "./view/left-out.ts";
import { countText } from "./view/quantities.ts";
import { receiptDocument, receiptText } from "./view/receipt-view.ts";
import { withProgress } from "./with-progress.ts";

/** What `commit`, `run --commit` and an answered question have in common. */
export interface CommitChoices extends CommonOptions {
  readonly message?: string | undefined;
  readonly paths?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly durability?: CommitRequest["durability"];
  readonly checks?: CommitRequest["checks"];
  /** Merges texts line by line where the disk has changed them meanwhile. */
  readonly merge?: boolean;
  /** Goes on where the disk has moved on; what is lost is in the checkpoint. */
  readonly overwrite?: boolean;
}

/** Commits what is pending, tells of it, and returns the exit code. */
export async function commitDraft(
  context: CommandContext,
  overlay: Overlay,
  choices: CommitChoices,
): Promise<number> {
  const { out } = context;
  const receipt = await commitWithProgress(
    context,
    overlay,
    await requestOf(overlay, choices),
    choices,
  );
  const draft = draftNameOf(choices);
  const left = receipt === undefined ? await overlay.diff() : undefined;
  const unsupported = receipt?.unsupported ?? left?.changeSet.unsupported ?? [];
  if (choices.json === true) {
    const committed = receipt === undefined ? null : receiptDocument(receipt);
    out.json({ draft, committed, ...(unsupported.length === 0 ? {} : { unsupported }) });
  } else if (receipt === undefined) {
    const count = left?.changes.length ?? 0;
    const what = count === 0 ? "Nothing is pending" : "Nothing that is meant is pending";
    const rest = count === 0 ? "" : `; ${countText(count, "other path")} still`;
    out.write(`${what} in the draft ${draft}${rest}.\n`);
  } else {
    const undo = nextStep(["undo"], choices);
    out.write(`${receiptText(receipt)}\nPut it back with ${undo}.\n`);
  }
  if (choices.json !== true) context.err.write(unsupportedNote(unsupported));
  return exitCodes.ok;
}

/**
 * Commits and shows progress on a terminal. Ctrl-C stops it as long as nothing has changed.
 *
 * @returns `undefined` when nothing was pending.
 */
export async function commitWithProgress(
  context: CommandContext,
  overlay: Overlay,
  request: CommitRequest,
  { merge, overwrite }: Pick<CommitChoices, "merge" | "overwrite"> = {},
): Promise<OverlayReceipt | undefined> {
  try {
    const receipt = await withProgress(context, (watch) => {
      const watched = { ...request, ...watch };
      if (overwrite === true) return overlay.commitForce(watched);
      if (merge === true) return overlay.commitWith(mergingResolver(), watched);
      return overlay.commit(watched);
    });
    collectLater(overlay);
    return receipt;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_NOTHING_PENDING") return undefined;
    // Commits that fail again and again leave packs as well.
    if (isDraftError(error) && error.code === "DRAFT_COMMIT_FAILED") collectLater(overlay);
    throw error;
  }
}

/** What the library is asked to commit. */
export async function requestOf(overlay: Overlay, choices: CommitChoices): Promise<CommitRequest> {
  const paths = await patternsOf(overlay, choices, choices.paths ?? [], true);
  const patterns = await checkedPatterns(overlay, choices.include ?? []);
  const include = [...(paths ?? []), ...patterns];
  const { message, exclude, durability, checks } = choices;
  return {
    ...(message === undefined ? {} : { message }),
    ...(include.length === 0 ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(durability === undefined ? {} : { durability }),
    ...(checks === undefined ? {} : { checks }),
  };
}
