import type { ObjectId } from "../objects/object-id.ts";
import type { ManifestChange } from "./checkpoint/manifest.ts";
import type { CheckFinding } from "./checks/check-finding.ts";

/** How much of a power cut an operation survives once it has returned. */
export type Durability =
  /** Like `durable`; and not even before recovery can anybody see an empty or torn file. */
  | "full"
  /** After recovery the operation is there, whole. The default. */
  | "durable"
  /** All or nothing for a killed process; a power cut may lose or tear it. */
  | "none";

/** What a commit has done. */
export interface CommitReceipt {
  /** Grows with every operation on the root. */
  readonly sequence: number;
  /** The operation commit in the checkpoint store. */
  readonly operation: ObjectId;
  /** The after-state in the checkpoint store. */
  readonly main: ObjectId;
  readonly changes: readonly ManifestChange[];
  readonly durability: Durability;
  /**
   * Why the checkpoint is not in the store yet, although it is safe in the journal: the next open
   * brings it there. Absent when all is well.
   */
  readonly unpublished?: unknown;
  /** What the checks have noticed and let pass. */
  readonly warnings: readonly CheckFinding[];
  readonly counts: CommitCounts;
}

/** What a commit cost, for measurements. */
export interface CommitCounts {
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly steps: number;
  /** Waits for the device before the return. */
  readonly syncs: number;
  readonly elapsedMs: number;
}

/** Progress of a commit; `done` and `total` count steps of the phase. */
export interface CommitProgress {
  readonly phase: "check" | "stage" | "sync" | "apply" | "publish";
  readonly done: number;
  readonly total: number;
}
