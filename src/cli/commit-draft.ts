import { isDraftError } from "../errors.ts";
import { type CommitReceipt, type CommitRequest, mergingResolver, type Overlay } from "../index.ts";
import { collectLater } from "./collect-later.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { draftNameOf } from "./open-root.ts";
import { patternsOf } from "./path-patterns.ts";
import { progressLine } from "./progress.ts";
import { receiptDocument, receiptText } from "./receipt-view.ts";

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
    requestOf(overlay.root, choices),
    choices,
  );
  const draft = draftNameOf(choices);
  if (choices.json === true) {
    out.json({ draft, committed: receipt === undefined ? null : receiptDocument(receipt) });
  } else if (receipt === undefined) {
    out.write(`Nothing is pending in the draft ${draft}.\n`);
  } else {
    out.write(`${receiptText(receipt)}\nPut it back with draftfs undo.\n`);
  }
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
): Promise<CommitReceipt | undefined> {
  const progress = progressLine(context.err);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  try {
    const watched = { ...request, signal: interrupt.signal, onProgress: progress.update };
    const receipt =
      overwrite === true
        ? await overlay.commitForce(watched)
        : merge === true
          ? await overlay.commitWith(mergingResolver(), watched)
          : await overlay.commit(watched);
    collectLater(overlay);
    return receipt;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_NOTHING_PENDING") return undefined;
    throw error;
  } finally {
    progress.clear();
    process.off("SIGINT", onInterrupt);
  }
}

/** What the library is asked to commit. */
export function requestOf(root: string, choices: CommitChoices): CommitRequest {
  const include = [...(patternsOf(root, choices.paths ?? []) ?? []), ...(choices.include ?? [])];
  const { message, exclude, durability, checks } = choices;
  return {
    ...(message === undefined ? {} : { message }),
    ...(include.length === 0 ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(durability === undefined ? {} : { durability }),
    ...(checks === undefined ? {} : { checks }),
  };
}
