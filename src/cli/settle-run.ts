import { constants } from "node:os";
import type { Diff, Overlay, Savepoint } from "../index.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { type CommitChoices, commitDraft, commitWithProgress, requestOf } from "./commit-draft.ts";
import { exitCodes } from "./exit-codes.ts";
import { nextSteps } from "./next-step.ts";
import { draftNameOf } from "./open-root.ts";
import { type Answer, ask } from "./question.ts";
import type { SavedRun } from "./run-over-draft.ts";
import { errorDocument, exitCodeOfError, reportError } from "./view/error-report.ts";
import { writePatch } from "./view/patch-view.ts";
import { countText } from "./view/quantities.ts";
import { receiptDocument } from "./view/receipt-view.ts";
import { commandDocument, pendingDocument } from "./view/run-document.ts";
import { showSummary } from "./view/run-summary.ts";

/** What is to become of a command's changes, as far as it was said beforehand. */
export interface SettleOptions extends CommonOptions {
  readonly commit?: boolean;
  readonly discard?: boolean;
  readonly keep?: boolean;
  readonly message?: string;
  readonly checks?: NonNullable<CommitChoices["checks"]>;
  readonly showDiff?: boolean;
  /** The trace file that was written. */
  readonly record?: string;
}

export interface FinishedRun extends SavedRun {
  readonly options: SettleOptions;
  /** The draft before the command. */
  readonly savepoint: Savepoint;
}

/** Shows what is pending after a command, does what was decided or asks; returns the exit code. */
export async function settleRun(
  context: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
): Promise<number> {
  const { options, result, interruptedBy } = run;
  if (options.json === true) return settleWithDocument(context, overlay, run);
  const diff = await overlay.diff();
  const { err } = context;
  showSummary(context, diff, result, options);
  if (interruptedBy !== undefined) {
    err.write("Interrupted. The draft is kept.\n");
    return interruptedCode(interruptedBy);
  }
  if (options.discard === true) return discard(context, overlay, run);
  if (options.commit === true && result.exitCode === 0) return commit(context, overlay, run, diff);
  if (options.commit === true) {
    err.write(`Not committed: the command ended with ${result.exitCode}. The draft is kept.\n`);
    return result.exitCode;
  }
  const isDecided = options.keep === true || diff.changes.length === 0;
  if (isDecided || !canAsk(context, run)) return result.exitCode;
  return askWhatNext(context, overlay, run, diff);
}

/** Only who sees both the summary and the question can answer it. */
function canAsk({ out, err, input }: CommandContext, run: FinishedRun): boolean {
  if (run.isEndWanted || run.result.isTerminalLost) return false;
  return out.isTerminal && err.isTerminal && input.isTTY === true;
}

async function settleWithDocument(
  context: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
): Promise<number> {
  const { options, result, interruptedBy } = run;
  const diff = await overlay.diff();
  const document: Record<string, unknown> = {
    draft: draftNameOf(options),
    command: commandDocument(result),
    ...(options.record === undefined ? {} : { trace: options.record }),
    ...pendingDocument(diff),
    decision: "kept",
  };
  let { exitCode } = result;
  if (interruptedBy !== undefined) {
    exitCode = interruptedCode(interruptedBy);
  } else if (options.discard === true) {
    await takeBack(overlay, run);
    document["decision"] = "discarded";
  } else if (options.commit === true && exitCode === 0) {
    try {
      const receipt = await commitWithProgress(context, overlay, await requestOf(overlay, options));
      document["decision"] = "committed";
      document["committed"] = receipt === undefined ? null : receiptDocument(receipt);
    } catch (error) {
      // What the command did is kept, and is as worth knowing as why it was not committed.
      document["error"] = errorDocument(error);
      exitCode = exitCodeOfError(error);
    }
  }
  context.out.json(document);
  return exitCode;
}

/** As a shell reports it. */
function interruptedCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Standard output is the command's own: the receipt goes to standard error. */
async function commit(
  context: CommandContext,
  overlay: Overlay,
  { options, result }: FinishedRun,
  { changes }: Diff,
): Promise<number> {
  const { err } = context;
  if (changes.length === 0) {
    // On a terminal the summary has just said so.
    if (!err.isTerminal) err.write(`Nothing is pending in the draft ${draftNameOf(options)}.\n`);
    return result.exitCode;
  }
  try {
    const exitCode = await commitDraft({ ...context, out: err }, overlay, options);
    return exitCode === exitCodes.ok ? result.exitCode : exitCode;
  } catch (error) {
    const exitCode = reportError(context, error);
    err.write(`Nothing was committed; the draft is kept. Next: ${nextSteps(options)}.\n`);
    return exitCode;
  }
}

async function discard(
  { err }: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
): Promise<number> {
  await takeBack(overlay, run);
  const left = (await overlay.diff()).changes.length;
  const rest = left === 0 ? "" : ` ${countText(left, "path")} from before still pending.`;
  err.write(`Discarded what the command did.${rest}\n`);
  return run.result.exitCode;
}

/** Puts the draft back to what it was before the command, in memory and on disk. */
async function takeBack(overlay: Overlay, { savepoint }: FinishedRun): Promise<void> {
  overlay.rollback(savepoint);
  await overlay.saveDraft();
}

const answers: readonly Answer<"commit" | "diff" | "keep" | "discard">[] = [
  { value: "commit", key: "c" },
  { value: "diff", key: "d" },
  { value: "keep", key: "k" },
  // To lose work takes a whole word.
  { value: "discard", key: undefined },
];

async function askWhatNext(
  context: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
  diff: Diff,
): Promise<number> {
  const { err, out } = context;
  const question = err.paint("bold", "commit, diff, keep, discard? ") + err.paint("dim", "[keep] ");
  for (;;) {
    const reply = await ask(context, question, answers, "keep");
    switch (reply) {
      case "diff":
        writePatch(diff, out);
        continue;
      case "commit":
        return commit(context, overlay, run, diff);
      case "discard":
        return discard(context, overlay, run);
      case "keep":
      case "end":
        err.write(`Kept. Next: ${nextSteps(run.options)}.\n`);
        return run.result.exitCode;
      case "interrupt":
        err.write("Kept.\n");
        return exitCodes.interrupted;
    }
  }
}
