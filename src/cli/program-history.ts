import type { Command } from "commander";
import { type Add, type Executing, size, wholeNumber } from "./program-parts.ts";

/** The commands about checkpoints. */
export function addHistory(add: Add, executing: Executing): void {
  add("log", "the checkpoints, newest first")
    .option("-n, --limit <count>", "at most so many", wholeNumber)
    .option("--by-command", "with what each command changed")
    .action(executing(() => import("./commands/log.ts")));
  add("show [checkpoint]", "what a checkpoint changed (default: the newest)")
    .option("-p, --patch", "as a patch")
    .action(executing(() => import("./commands/show.ts"), ["checkpoint"]));
  add("compare <from> <to>", "what differs between two checkpoints, as a patch")
    .option("--stat", "lines added and removed for each file, instead of the patch")
    .action(executing(() => import("./commands/compare.ts"), ["from", "to"]));
  add("drift", "recorded paths that were changed since the last checkpoint").action(
    executing(() => import("./commands/drift.ts")),
  );
  const takingBack = (usage: string, description: string): Command =>
    add(usage, description)
      .option("--dry-run", "only show what would happen")
      .option(
        "--overwrite",
        "go on where the disk has moved on; the checkpoint keeps what is lost",
      );
  takingBack(
    "undo [what]",
    "undo the last operation, the last 3 (undo 3), or checkpoint 3 (undo @3)",
  ).action(executing(() => import("./commands/undo.ts"), ["what"]));
  takingBack("redo [count]", "bring back what the last undo took back, or operations").action(
    executing(() => import("./commands/redo.ts"), ["count"]),
  );
  takingBack(
    "restore <checkpoint> [paths...]",
    "recorded paths as they were at a checkpoint",
  ).action(executing(() => import("./commands/restore.ts"), ["checkpoint", "paths"]));
  add("recover", "finish or undo an interrupted commit; every other command does it too").action(
    executing(() => import("./commands/recover.ts")),
  );
  add("verify", "check every byte of the checkpoints")
    .option("--repair", "first build indexes and refs again from what is sound")
    .action(executing(() => import("./commands/verify.ts")));
  const collecting = (usage: string, description: string): Command =>
    add(usage, description)
      .option("--keep <count>", "checkpoints to keep", wholeNumber)
      .option("--max-bytes <size>", "content to keep: bytes, or with K, M, G, T", size)
      .option("--dry-run", "only show what would happen");
  collecting("gc", "forget checkpoints beyond the retention, and pack the rest together").action(
    executing(() => import("./commands/gc.ts")),
  );
  collecting("prune", "forget checkpoints beyond what is told to keep, and name them").action(
    executing(() => import("./commands/prune.ts")),
  );
}

/** The commands about plan files. */
export function addPlans(add: Add, executing: Executing): void {
  add("plan [paths...]", "save what is pending to a file, to be applied elsewhere or later")
    .requiredOption("-o, --output <file>", "the file to write; - for standard output")
    .action(executing(() => import("./commands/plan.ts"), ["paths"]));
  add("apply <file>", "apply a saved plan; refused when the disk has moved on")
    .option("-m, --message <text>", "message of the checkpoint")
    .action(executing(() => import("./commands/apply.ts"), ["file"]));
}
