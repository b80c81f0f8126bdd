import type { GarbageReport, Overlay, Retention } from "../index.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { bytesText, countText } from "./view/quantities.ts";
import { withProgress } from "./with-progress.ts";

/** How much history `gc` and `prune` keep. */
export interface KeepOptions extends CommonOptions {
  /** Checkpoints. */
  readonly keep?: number;
  /** Bytes of recorded content. */
  readonly maxBytes?: number;
  readonly dryRun?: boolean;
}

/** What the options mean for the library. */
export function retentionOf({ keep, maxBytes }: KeepOptions): Retention {
  return {
    ...(keep === undefined ? {} : { operations: keep }),
    ...(maxBytes === undefined ? {} : { bytes: maxBytes }),
  };
}

/** Collects, with progress on a terminal. */
export function collect(
  context: CommandContext,
  overlay: Overlay,
  options: KeepOptions,
): Promise<GarbageReport> {
  return withProgress(
    context,
    (watch) => overlay.collectGarbage({ ...retentionOf(options), ...watch }),
    "pack",
  );
}

/** What a collection did, for people. */
export function reportText(report: GarbageReport): string {
  switch (report.outcome) {
    case "nothing":
      return "Nothing to collect.\n";
    case "busy":
      return "Nothing was collected: another process is committing. Try again later.\n";
    case "collected": {
      const kept = `Kept ${countText(report.kept, "checkpoint")}, forgot ${report.pruned}`;
      return `${kept}: ${bytesText(report.bytesBefore)} → ${bytesText(report.bytesAfter)}.\n`;
    }
  }
}

/** The exit code of a collection. */
export function collectedCode({ outcome }: GarbageReport): number {
  return outcome === "busy" ? exitCodes.locked : exitCodes.ok;
}
