import type { NamesOf } from "../check-options.ts";
import type { Selection } from "../commit/change-set/select.ts";
import type { PolicyOptions } from "../overlay/layer.ts";
import type { GarbageOptions } from "../recovery/collect-garbage.ts";
import type { RedoRequest, RestoreRequest, UndoRequest } from "../recovery/recovery-plan.ts";
import type { Retention } from "../recovery/retention.ts";
import type { RecoveryOptions } from "../recovery/take-back.ts";
import type { VerifyOptions } from "../recovery/verify-store.ts";
import type { ResourceLimits, SessionOptions } from "../sandbox/session-options.ts";
import type { OverlayRunOptions } from "./command-runs.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { DraftsOptions } from "./drafts.ts";
import type { OpenOverlayOptions } from "./open-options.ts";
import type { CommitRequest, PlanOptions } from "./receipt.ts";
import type { ReplayTargetOptions } from "./replay-target.ts";

/** The options of everything that an overlay offers, by name; see `checkOptions`. */

const policy = {
  allowRead: "texts",
  denyRead: "texts",
  denyWrite: "texts",
} satisfies NamesOf<PolicyOptions>;

const sandbox = {
  engine: ["overlay", "overlay-user", "fuse", "clone"],
  require: ["enforced", "cooperative"],
  outside: ["read-only", "open"],
  home: ["discard", "read-only", "open"],
  temporary: ["private", "read-only", "shared"],
  network: ["on", "off"],
  sockets: ["masked", "shared"],
  denyRead: "texts",
  uncommittedBytesMax: "number",
  env: true,
} satisfies NamesOf<SessionOptions>;

export const openNames = {
  force: true,
  draft: "text",
  readOnly: true,
  trustOwner: true,
  ignoreBadConfig: true,
  memoryLimitBytes: "number",
  agent: true,
  policy,
  isolation: ["snapshot", "serializable"],
  settle: ["early", "late"],
  sandbox,
  meter: true,
  observer: true,
} satisfies NamesOf<OpenOverlayOptions>;

export const draftsNames = { force: true, trustOwner: true } satisfies NamesOf<DraftsOptions>;

export const doctorNames = { force: true } satisfies NamesOf<DoctorOptions>;

export const selectionNames = { include: "texts", exclude: "texts" } satisfies NamesOf<Selection>;

export const planNames = { ...selectionNames, onProgress: true } satisfies NamesOf<PlanOptions>;

const limits = {
  memoryBytes: "number",
  cpuSeconds: "number",
  fileBytes: "number",
  processes: "number",
} satisfies NamesOf<ResourceLimits>;

export const runNames = {
  cwd: "text",
  env: true,
  stdio: true,
  require: ["enforced", "cooperative"],
  limits,
  timeoutMs: "number",
  signal: true,
  forwardSignals: true,
  keepDaemons: true,
} satisfies NamesOf<OverlayRunOptions>;

const recovering = {
  message: "text",
  author: "text",
  command: true,
  commands: true,
  durability: ["durable", "full", "none"],
  checks: ["strict", "normal", "minimal"],
  skippedChecks: true,
  lockWaitMs: "number",
  signal: true,
  onProgress: true,
} satisfies NamesOf<RecoveryOptions>;

const { commands: _commands, ...committing } = recovering;

export const commitNames = {
  ...selectionNames,
  ...committing,
} satisfies NamesOf<CommitRequest>;

export const applyNames = recovering;

const planning = { force: true, defersReading: true, ...recovering } as const;

export const redoNames = {
  count: "count",
  ...planning,
} satisfies NamesOf<RedoRequest & RecoveryOptions>;

export const undoNames = {
  checkpoint: "text",
  ...redoNames,
} satisfies NamesOf<UndoRequest & RecoveryOptions>;

export const restoreNames = {
  checkpoint: "text",
  paths: "texts",
  ...planning,
} satisfies NamesOf<RestoreRequest & RecoveryOptions>;

export const verifyNames = { signal: true, onProgress: true } satisfies NamesOf<VerifyOptions>;

export const retentionNames = {
  operations: "number",
  bytes: "number",
} satisfies NamesOf<Retention>;

export const garbageNames = {
  ...retentionNames,
  compression: true,
  lockWaitMs: "number",
  signal: true,
  onProgress: true,
} satisfies NamesOf<GarbageOptions>;

export const replayTargetNames = { directory: "text" } satisfies NamesOf<ReplayTargetOptions>;
