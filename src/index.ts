/** The public surface of draftfs: named exports only. */

export type { OverlayRunOptions } from "./api/command-runs.ts";
export { type CommandDiff, Diff } from "./api/diff.ts";
export { doctor } from "./api/doctor.ts";
export { listDrafts, removeDraft } from "./api/drafts.ts";
export type { CollectionPreview, ComparedFile } from "./api/history.ts";
export type { OpenOverlayOptions } from "./api/open-options.ts";
export { openOverlay } from "./api/open-overlay.ts";
export { Overlay } from "./api/overlay.ts";
export type { CommitRequest, OverlayReceipt, PlanOptions, SavedDraft } from "./api/receipt.ts";
export { openReplayTarget, type ReplayTargetOptions } from "./api/replay-target.ts";
export type {
  After,
  Aspect,
  Before,
  Change,
  ChangeSet,
  NodeState,
} from "./commit/change-set/change-set.ts";
export type { ChangeSetJson } from "./commit/change-set/change-set-json.ts";
export type { Selection } from "./commit/change-set/select.ts";
export type { Checkpoint } from "./commit/checkpoint/operation-log.ts";
export type { ConflictSides, Resolver } from "./commit/conflict/commit-resolving.ts";
export type { ConflictDecision, Undecided } from "./commit/conflict/conflict-decision.ts";
export { type MergeOptions, mergingResolver } from "./commit/conflict/merge.ts";
export { type Conflict, ConflictError, type ConflictReason } from "./commit/conflict.ts";
export type { LineCounts } from "./commit/patch/line-counts.ts";
export type { CommitProgress, CommitReceipt, Durability } from "./commit/receipt.ts";
export type { RecoveryReport } from "./commit/recover/recover.ts";
export type { AgentName } from "./config/agent-profile.ts";
export type { DraftSummary } from "./drafts/draft-list.ts";
export { DraftError, type DraftErrorCode, isDraftError } from "./errors.ts";
export type { OverlayFs, Savepoint } from "./overlay/layer.ts";
export {
  type MemoryOverlayOptions,
  type MemoryTree,
  memoryOverlay,
} from "./overlay/memory-overlay.ts";
export type { GarbageReport } from "./recovery/collect-garbage.ts";
export type { Drift } from "./recovery/find-drift.ts";
export type { RecoveryPlan, RestoreRequest, UndoRequest } from "./recovery/recovery-plan.ts";
export type { RepairReport } from "./recovery/repair-store.ts";
export type { Retention } from "./recovery/retention.ts";
export type { StoreProblem, VerifyReport } from "./recovery/verify-store.ts";
export { describeReport, type EngineReport, type SandboxReport } from "./sandbox/doctor.ts";
export type { RunOptions, RunResult, SpawnedCommand } from "./sandbox/session.ts";
export type { Engine, Isolation, SessionOptions } from "./sandbox/session-options.ts";
