import type { NamesOf } from "../check-options.ts";
import type { Selection } from "../commit/select.ts";
import type { PolicyOptions } from "../overlay/layer.ts";
import type { GarbageOptions } from "../recovery/collect-garbage.ts";
import type { RedoRequest, RestoreRequest, UndoRequest } from "../recovery/recovery-plan.ts";
import type { Retention } from "../recovery/retention.ts";
import type { RecoveryOptions } from "../recovery/take-back.ts";
import type { VerifyOptions } from "../recovery/verify-store.ts";
import type { ResourceLimits, SessionOptions } from "../sandbox/session-options.ts";
import type { OverlayRunOptions } from "./command-runs.ts";
import type { DraftsOptions } from "./drafts.ts";
import type { OpenOverlayOptions } from "./open-options.ts";
import type { CommitRequest, PlanOptions } from "./receipt.ts";
import type { ReplayTargetOptions } from "./replay-target.ts";

/** The options of everything that an overlay offers, by name; see `checkOptions`. */

const policy = {
  allowRead: true,
  denyRead: true,
  denyWrite: true,
} satisfies NamesOf<PolicyOptions>;

const sandbox = {
  engine: true,
  require: true,
  outside: true,
  home: true,
  temporary: true,
  network: true,
  sockets: true,
  denyRead: true,
  uncommittedBytesMax: true,
  env: true,
} satisfies NamesOf<SessionOptions>;

export const openNames = {
  force: true,
  draft: true,
  readOnly: true,
  ignoreBadConfig: true,
  memoryLimitBytes: true,
  agent: true,
  policy,
  isolation: true,
  settle: true,
  sandbox,
  meter: true,
  observer: true,
} satisfies NamesOf<OpenOverlayOptions>;

export const draftsNames = { force: true } satisfies NamesOf<DraftsOptions>;

export const selectionNames = { include: true, exclude: true } satisfies NamesOf<Selection>;

export const planNames = { ...selectionNames, onProgress: true } satisfies NamesOf<PlanOptions>;

const limits = {
  memoryBytes: true,
  cpuSeconds: true,
  fileBytes: true,
  processes: true,
} satisfies NamesOf<ResourceLimits>;

export const runNames = {
  cwd: true,
  env: true,
  stdio: true,
  require: true,
  limits,
  timeoutMs: true,
  signal: true,
  forwardSignals: true,
  keepDaemons: true,
} satisfies NamesOf<OverlayRunOptions>;

const recovering = {
  message: true,
  author: true,
  command: true,
  commands: true,
  durability: true,
  checks: true,
  skippedChecks: true,
  lockWaitMs: true,
  signal: true,
  onProgress: true,
} satisfies NamesOf<RecoveryOptions>;

const { commands: _commands, ...committing } = recovering;

export const commitNames = {
  ...selectionNames,
  ...committing,
} satisfies NamesOf<CommitRequest>;

export const applyNames = recovering;

export const redoNames = {
  force: true,
  defersReading: true,
  ...recovering,
} satisfies NamesOf<RedoRequest & RecoveryOptions>;

export const undoNames = {
  count: true,
  checkpoint: true,
  ...redoNames,
} satisfies NamesOf<UndoRequest & RecoveryOptions>;

export const restoreNames = {
  checkpoint: true,
  paths: true,
  ...redoNames,
} satisfies NamesOf<RestoreRequest & RecoveryOptions>;

export const verifyNames = { signal: true, onProgress: true } satisfies NamesOf<VerifyOptions>;

export const retentionNames = { operations: true, bytes: true } satisfies NamesOf<Retention>;

export const garbageNames = {
  ...retentionNames,
  compression: true,
  lockWaitMs: true,
  signal: true,
  onProgress: true,
} satisfies NamesOf<GarbageOptions>;

export const replayTargetNames = { directory: true } satisfies NamesOf<ReplayTargetOptions>;
