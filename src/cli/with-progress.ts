import { DraftError } from "../errors.ts";
import type { CommandContext } from "./command-context.ts";
import { type Progress, progressLine } from "./progress.ts";

/** What a long operation tells, and what stops it. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Shows how far a long operation is, on a terminal. Ctrl-C stops it as long as nothing has changed;
 * a second one ends the process, which the next command recovers from.
 *
 * @param phase - what is shown where the operation has no phases.
 */
export async function withProgress<Result>(
  { err }: CommandContext,
  work: (watch: Watch) => Promise<Result>,
  phase?: Progress["phase"],
): Promise<Result> {
  const line = progressLine(err, phase);
  const interrupt = new AbortController();
  const onInterrupt = (): void => {
    interrupt.abort(new DraftError("DRAFT_ABORTED", "Stopped by Ctrl-C. Nothing was changed."));
  };
  process.once("SIGINT", onInterrupt);
  try {
    return await work({ signal: interrupt.signal, onProgress: line.update });
  } finally {
    line.clear();
    process.off("SIGINT", onInterrupt);
  }
}
