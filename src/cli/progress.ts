import type { CommitProgress } from "../index.ts";
import type { Terminal } from "./terminal.ts";

/** Nothing is shown of what takes less than this, in milliseconds. */
const quietMs = 500;
/** At most so often, in milliseconds. */
const intervalMs = 100;

/** How far an operation is; those that have no phases only count. */
export interface Progress extends Omit<CommitProgress, "phase"> {
  readonly phase?: CommitProgress["phase"] | "verify" | "pack" | "compare" | "read";
}

const phrases: Readonly<Record<NonNullable<Progress["phase"]>, string>> = {
  check: "Comparing with the disk",
  stage: "Writing new content",
  sync: "Making it durable",
  apply: "Putting it in place",
  publish: "Recording the checkpoint",
  verify: "Checking the checkpoints",
  pack: "Packing the checkpoints together",
  compare: "Comparing with the checkpoints",
  read: "Reading what is pending",
};

/** One line on a terminal that tells how far a long operation is. */
export interface ProgressLine {
  readonly update: (progress: Progress) => void;
  /** Removes the line. */
  readonly clear: () => void;
}

/**
 * Shows progress on `terminal` when it is one; does nothing elsewhere.
 *
 * @param fallback - the phase of progress that names none.
 */
export function progressLine(
  terminal: Terminal,
  fallback: NonNullable<Progress["phase"]> = "check",
): ProgressLine {
  if (!terminal.isTerminal) return { update: () => undefined, clear: () => undefined };
  const begunMs = performance.now();
  let shownMs = 0;
  return {
    update({ phase = fallback, done, total }) {
      const nowMs = performance.now();
      if (nowMs - begunMs < quietMs || nowMs - shownMs < intervalMs) return;
      shownMs = nowMs;
      const count =
        total > 1 ? ` ${done.toLocaleString("en-US")}/${total.toLocaleString("en-US")}` : "";
      terminal.write(`\r\u001b[K${phrases[phase]}…${count}`);
    },
    clear() {
      if (shownMs > 0) terminal.write("\r\u001b[K");
    },
  };
}
