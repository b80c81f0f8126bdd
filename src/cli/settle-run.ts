import type { Diff, Overlay, RunResult, Savepoint } from "../index.ts";
import { machineLines, summaryLines, totalsText } from "./changes-view.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { type CommitChoices, commitDraft, commitWithProgress, requestOf } from "./commit-draft.ts";
import { exitCodes } from "./exit-codes.ts";
import { draftNameOf } from "./open-root.ts";
import { writePatch } from "./patch-view.ts";
import { type Answer, ask } from "./question.ts";
import { receiptDocument } from "./receipt-view.ts";
import { commandDocument, pendingDocument } from "./run-document.ts";
import { shownChangesOf, totalsOf } from "./shown-changes.ts";

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

export interface FinishedRun {
  readonly options: SettleOptions;
  readonly result: RunResult;
  /** The draft before the command. */
  readonly savepoint: Savepoint;
}

/** Most lines of a summary for what is added or modified; see {@link summaryLines}. */
const summaryLinesMax = 30;

/** Shows what is pending after a command, does what was decided or asks; returns the exit code. */
export async function settleRun(
  context: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
): Promise<number> {
  const { options, result } = run;
  if (options.json === true) return settleWithDocument(context, overlay, run);
  const diff = await overlay.diff();
  const { err, out, input } = context;
  const isTerminal = out.isTerminal && input.isTTY === true && !result.isTerminalLost;
  showSummary(context, diff, options);
  if (options.discard === true) {
    await takeBack(overlay, run);
    err.write("Discarded what the command did.\n");
    return result.exitCode;
  }
  if (options.commit === true) {
    if (result.exitCode === 0) return commitDraft(context, overlay, options);
    err.write(`Not committed: the command ended with ${result.exitCode}. The draft is kept.\n`);
    return result.exitCode;
  }
  if (options.keep === true || !isTerminal || diff.changes.length === 0) return result.exitCode;
  return askWhatNext(context, overlay, run, diff);
}

async function settleWithDocument(
  context: CommandContext,
  overlay: Overlay,
  run: FinishedRun,
): Promise<number> {
  const { options, result } = run;
  const { exitCode } = result;
  const diff = await overlay.diff();
  const document: Record<string, unknown> = {
    draft: draftNameOf(options),
    command: commandDocument(result),
    ...(options.record === undefined ? {} : { trace: options.record }),
    ...pendingDocument(diff),
    decision: "kept",
  };
  if (options.discard === true) {
    await takeBack(overlay, run);
    document["decision"] = "discarded";
  } else if (options.commit === true && exitCode === 0) {
    const receipt = await commitWithProgress(context, overlay, requestOf(overlay.root, options));
    document["decision"] = "committed";
    document["committed"] = receipt === undefined ? null : receiptDocument(receipt);
  }
  context.out.json(document);
  return exitCode;
}

/** Puts the draft back to what it was before the command, in memory and on disk. */
async function takeBack(overlay: Overlay, { savepoint }: FinishedRun): Promise<void> {
  overlay.rollback(savepoint);
  await overlay.saveDraft();
}

function showSummary(context: CommandContext, diff: Diff, options: SettleOptions): void {
  const { err, out } = context;
  if (!err.isTerminal) {
    err.write(machineLines(diff.changes));
    return;
  }
  const draft = draftNameOf(options);
  if (diff.changes.length === 0) {
    err.write(`\nNothing is pending in the draft ${draft}.\n`);
    return;
  }
  const shown = shownChangesOf(diff);
  err.write(`\n${summaryLines(shown, err, summaryLinesMax)}`);
  err.write(`Draft ${draft}: ${totalsText(totalsOf(shown))}. Nothing on disk has changed.\n`);
  if (options.showDiff === true) writePatch(diff, out);
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
  const { options, result } = run;
  const question = err.paint("bold", "commit, diff, keep, discard? ") + err.paint("dim", "[keep] ");
  for (;;) {
    const reply = await ask(context, question, answers, "keep");
    switch (reply) {
      case "diff":
        writePatch(diff, out);
        continue;
      case "commit": {
        const exitCode = await commitDraft(context, overlay, options);
        return exitCode === exitCodes.ok ? result.exitCode : exitCode;
      }
      case "discard":
        await takeBack(overlay, run);
        err.write("Discarded what the command did.\n");
        return result.exitCode;
      case "keep":
      case "end":
        err.write("Kept. Next: draftfs diff, draftfs commit, draftfs discard.\n");
        return result.exitCode;
      case "interrupt":
        err.write("Kept.\n");
        return exitCodes.interrupted;
    }
  }
}
