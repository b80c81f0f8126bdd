import { checkOptions } from "../check-options.ts";
import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { openRoot } from "../commit/open-root.ts";
import type { CommitOptions } from "../commit/options.ts";
import { countsOf, type LineCounts } from "../commit/patch/line-counts.ts";
import { patchOfEdits } from "../commit/patch/patch.ts";
import type { PatchEdit } from "../commit/patch/patch-edits.ts";
import { commitPlanFile } from "../commit/plan/plan-file.ts";
import type { CommitReceipt } from "../commit/receipt.ts";
import type { Disk } from "../disk/disk.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { DraftError, isDraftError } from "../errors.ts";
import type { SafetyFacts } from "../metrics/measurement.ts";
import type { Meter } from "../metrics/meter.ts";
import {
  collectGarbage,
  type GarbageOptions,
  type GarbageReport,
  isCollectionDue,
} from "../recovery/collect-garbage.ts";
import { compareCheckpoints, editsOfCheckpoint } from "../recovery/compare-checkpoints.ts";
import { findCheckpoint } from "../recovery/find-checkpoint.ts";
import { type Drift, findDrift } from "../recovery/find-drift.ts";
import {
  planRedo,
  planRestore,
  planUndo,
  type RecoveryPlan,
  type RedoRequest,
  type RestoreRequest,
  type UndoRequest,
} from "../recovery/recovery-plan.ts";
import { type RepairReport, repairStore } from "../recovery/repair-store.ts";
import { keptHistory, type Retention } from "../recovery/retention.ts";
import { type RecoveryOptions, redo, restore, undo } from "../recovery/take-back.ts";
import { type VerifyOptions, type VerifyReport, verifyStore } from "../recovery/verify-store.ts";
import { damageIn, reportOfCheck, reportOfFailure, reportOfReceipt } from "./operation-reports.ts";
import {
  applyNames,
  garbageNames,
  redoNames,
  restoreNames,
  retentionNames,
  undoNames,
  verifyNames,
} from "./option-names.ts";
import type { OverlaySettings } from "./settings.ts";

/** One file that differs between two states. */
export interface ComparedFile {
  readonly path: TreePath;
  /** Its path in the earlier state; `null` when it was not there. */
  readonly from: TreePath | null;
  readonly kind: "create" | "modify" | "delete";
  /** `null` for what has no lines. */
  readonly lines: LineCounts | null;
}

/** What a collection would keep and forget. */
export interface CollectionPreview {
  readonly kept: readonly Checkpoint[];
  readonly pruned: readonly Checkpoint[];
}

/** The checkpoints of a root. Whatever changes the tree here is a new operation of its own. */
export class History {
  /** Absolute real path of the root. */
  readonly root: string;
  /** @internal */
  protected readonly settings: OverlaySettings;
  /** @internal */
  protected readonly meter: Meter;
  readonly #store: CommitStore;
  /** Damage that was met: nothing is changed any more then (`shutdown_on_critical`). */
  #damage: string | undefined;

  /** @internal A part of `Overlay`. */
  constructor(store: CommitStore, settings: OverlaySettings, meter: Meter) {
    this.root = store.state.root;
    this.settings = settings;
    this.meter = meter;
    this.#store = store;
  }

  /** What the command line collects measurements by. @internal */
  get collection(): Pick<OverlaySettings, "values" | "metricsDirectory"> & { readonly disk: Disk } {
    const { values, metricsDirectory } = this.settings;
    return { values, metricsDirectory, disk: this.#store.disk };
  }

  /** What is wrong with the configuration files, when they were to be ignored then. */
  get configProblem(): DraftError | undefined {
    return this.settings.problem;
  }

  /** What the configuration says of commits. Who names a level has all of it. */
  protected commitDefaults(options: CommitOptions): CommitOptions {
    const { lockWaitMs, checks, skippedChecks } = this.settings;
    return options.checks === undefined ? { lockWaitMs, checks, skippedChecks } : { lockWaitMs };
  }

  /** The look at integrity that a commit takes: at the level `minimal` none. */
  protected checkOf(options: CommitOptions): SafetyFacts {
    const level = options.checks ?? this.settings.checks;
    return level === "minimal" ? {} : { integrity: "sound" };
  }

  /**
   * Measures an operation that changes the tree as one.
   *
   * @param rollback whether it is one: its failure is one that failed.
   * @throws {DraftError} `DRAFT_STORE_CORRUPT` when damage was met before, unless the configuration
   *   says to go on.
   */
  protected async measured<Receipt extends CommitReceipt>(
    name: string,
    work: () => Promise<Receipt>,
    { rollback = false, safety = {} as SafetyFacts } = {},
  ): Promise<Receipt> {
    this.#refuseAfterDamage(name);
    const done = rollback ? { ...safety, rollback: "done" as const } : safety;
    try {
      return await this.meter.measure(
        { name, sizeBytes: 0 },
        work,
        (receipt) => reportOfReceipt(receipt, done),
        (error) => reportOfFailure(error, rollback ? { rollback: "failed" } : {}),
      );
    } catch (error) {
      this.#damage ??= damageIn(error);
      throw error;
    }
  }

  #refuseAfterDamage(name: string): void {
    if (this.#damage === undefined) return;
    if (!this.settings.values["safety.emergency.shutdown_on_critical"]) return;
    throw new DraftError(
      "DRAFT_STORE_CORRUPT",
      `Cannot ${name}: damage was met before (${this.#damage}). Nothing more is changed until ` +
        "verify finds everything sound, or safety.emergency.shutdown_on_critical is false.",
      { path: this.root, details: { level: "critical_failure" } },
    );
  }

  /** Called before the tree changes, for those who must not look at it meanwhile. */
  protected async beforeChange(): Promise<void> {}

  /**
   * The checkpoints, newest first.
   *
   * @param options.limit at most so many; all by default.
   */
  async log(options: { readonly limit?: number } = {}): Promise<readonly Checkpoint[]> {
    checkOptions("log", options, { limit: "number" });
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const found: Checkpoint[] = [];
    for (const checkpoint of checkpoints(this.#store.objects)) {
      if (found.length >= limit) break;
      found.push(checkpoint);
    }
    return found;
  }

  /**
   * One checkpoint by name: `latest`, its number, or six or more digits of its id.
   *
   * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING`.
   */
  async show(name: string): Promise<Checkpoint> {
    return findCheckpoint(this.#store.objects, name);
  }

  /**
   * What one checkpoint changed, or what differs between the states that two of them left, as a
   * patch in the form of git.
   *
   * @param from the name of a checkpoint, as {@link History.show} takes it.
   * @param to the later one; without it, what `from` itself changed.
   */
  async compare(from: string, to?: string): Promise<Buffer> {
    return patchOfEdits(this.#editsOf(from, to));
  }

  /** What {@link History.compare} shows as figures: the lines of each file. */
  async compareFigures(from: string, to?: string): Promise<readonly ComparedFile[]> {
    return this.#editsOf(from, to).map((edit) => ({
      path: (edit.new ?? edit.old)?.path ?? "",
      from: edit.old?.path ?? null,
      kind: edit.old === undefined ? "create" : edit.new === undefined ? "delete" : "modify",
      lines: countsOf(edit) ?? null,
    }));
  }

  #editsOf(from: string, to: string | undefined): PatchEdit[] {
    const { objects } = this.#store;
    const first = findCheckpoint(objects, from);
    if (to === undefined) return editsOfCheckpoint(objects, first);
    return compareCheckpoints(objects, first, findCheckpoint(objects, to));
  }

  /** The recorded paths that are not as the last operation left them: an undo stops there. */
  async drift(options: { readonly signal?: AbortSignal } = {}): Promise<readonly Drift[]> {
    checkOptions("drift", options, { signal: true });
    return findDrift(this.#store, options);
  }

  /** What `undo` would do; nothing is touched. */
  async previewUndo(request: UndoRequest = {}): Promise<RecoveryPlan> {
    checkOptions("previewUndo", request, undoNames);
    return planUndo(this.#store, request);
  }

  /** What `redo` would do; nothing is touched. */
  async previewRedo(request: RedoRequest = {}): Promise<RecoveryPlan> {
    checkOptions("previewRedo", request, redoNames);
    return planRedo(this.#store, request);
  }

  /** What `restore` would do; nothing is touched. */
  async previewRestore(request: RestoreRequest): Promise<RecoveryPlan> {
    checkOptions("previewRestore", request, restoreNames);
    return planRestore(this.#store, request);
  }

  /**
   * Takes the last operations back, as a new operation, itself undone by `redo`.
   *
   * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when there is nothing to undo; `DRAFT_CONFLICT`
   *   when what they touched has been changed since; `DRAFT_UNSUPPORTED` where the configuration
   *   forbids it: nothing is touched then.
   */
  async undo(request: UndoRequest & RecoveryOptions = {}): Promise<CommitReceipt> {
    checkOptions("undo", request, undoNames);
    return this.measured(
      "undo",
      () => this.#takeBack("undo", request, (bounded) => undo(this.#store, bounded)),
      { rollback: true },
    );
  }

  /**
   * Brings back what the last undo took back, or as many of the undone operations as `count` says,
   * as a new operation.
   *
   * @throws {DraftError} as {@link undo} does.
   */
  async redo(request: RedoRequest & RecoveryOptions = {}): Promise<CommitReceipt> {
    checkOptions("redo", request, redoNames);
    return this.measured("redo", () =>
      this.#takeBack("redo", request, (bounded) => redo(this.#store, bounded)),
    );
  }

  /** Brings the recorded paths back to what they were at a checkpoint, as a new operation. */
  async restore(request: RestoreRequest & RecoveryOptions): Promise<CommitReceipt> {
    checkOptions("restore", request, restoreNames);
    const work = () =>
      this.#takeBack("restore", request, (bounded) => restore(this.#store, bounded));
    return this.measured("restore", work, { rollback: true });
  }

  /**
   * Applies a plan that `overlay.plan()` made, all of it or none.
   *
   * @throws {DraftError} `DRAFT_PLAN_STALE` naming every path that has moved on since;
   *   `DRAFT_PLAN_INVALID`; nothing is touched then.
   */
  async applyPlan(plan: unknown, options: RecoveryOptions = {}): Promise<CommitReceipt> {
    checkOptions("applyPlan", options, applyNames);
    return this.measured(
      "apply",
      async () => {
        await this.beforeChange();
        return commitPlanFile(this.#store, plan, { ...this.commitDefaults(options), ...options });
      },
      { safety: this.checkOf(options) },
    );
  }

  /** Checks every byte of the checkpoint store. Changes nothing and takes no lock. */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkOptions("verify", options, verifyNames);
    const report = await this.meter.measure(
      { name: "verify", sizeBytes: 0 },
      () => verifyStore(this.#store, options),
      ({ isSound }) => reportOfCheck({ integrity: isSound ? "sound" : "damaged" }),
      (error) => reportOfFailure(error),
    );
    // What repair builds again is no damage to content.
    this.#damage = report.problems.find(({ isRepairable }) => !isRepairable)?.message;
    return report;
  }

  /**
   * Builds what is derived in the checkpoint store again: indexes, refs, repository files. Packs
   * are never touched.
   *
   * @throws {DraftError} `DRAFT_LOCKED`.
   */
  async repair(): Promise<RepairReport> {
    return this.meter.measure(
      { name: "repair", sizeBytes: 0 },
      () => this.#repair(),
      () => reportOfCheck(),
      (error) => reportOfFailure(error),
    );
  }

  async #repair(): Promise<RepairReport> {
    const { lock } = await openRoot(this.#store, { waitMs: this.settings.lockWaitMs });
    try {
      return await repairStore(this.#store);
    } finally {
      lock.release();
    }
  }

  /** What the command line hands on to a process of its own. @internal */
  get trustsOwner(): boolean {
    return this.#store.trustsOwner;
  }

  /** Whether an operation was carried out here that is durable by its journal alone as yet. */
  get owesSettling(): boolean {
    return this.#store.journal.notes.owesSettling;
  }

  /** Whether the checkpoint store has grown so much that collecting garbage is worth its time. */
  isCollectionDue(): boolean {
    return isCollectionDue(this.#store);
  }

  /** Which operations a collection would keep and which it would forget, newest first. */
  async previewCollection(retention: Retention = {}): Promise<CollectionPreview> {
    checkOptions("previewCollection", retention, retentionNames);
    const operations = this.settings.retention;
    const { kept } = keptHistory(this.#store.objects, { operations, ...retention });
    const all = await this.log();
    return { kept, pruned: all.slice(kept.length) };
  }

  /** Forgets what is beyond the retention of the configuration and packs the rest together. */
  async collectGarbage(options: GarbageOptions = {}): Promise<GarbageReport> {
    checkOptions("collectGarbage", options, garbageNames);
    this.#refuseAfterDamage("collect garbage");
    const { retention, compression } = this.settings;
    return this.meter.measure(
      { name: "gc", sizeBytes: 0 },
      () => collectGarbage(this.#store, { operations: retention, compression, ...options }),
      () => reportOfCheck(),
      (error) => reportOfFailure(error),
    );
  }

  /** Carries out an undo, redo or restore under the rules of `safety.rollback`. */
  async #takeBack<Request extends RecoveryOptions>(
    operation: string,
    request: Request,
    perform: (request: Request) => Promise<CommitReceipt>,
  ): Promise<CommitReceipt> {
    await this.beforeChange();
    const { lockWaitMs, rollback } = this.settings;
    if (!rollback.enabled) {
      throw new DraftError(
        "DRAFT_UNSUPPORTED",
        `Cannot ${operation}: safety.rollback.enabled is false in the configuration of ` +
          `${this.root}. Set it to true first.`,
      );
    }
    const patient = { lockWaitMs, ...request };
    if (rollback.timeoutMs === undefined) return perform(patient);
    const deadline = AbortSignal.timeout(rollback.timeoutMs);
    const signals = request.signal === undefined ? [deadline] : [deadline, request.signal];
    try {
      return await perform({ ...patient, signal: AbortSignal.any(signals) });
    } catch (error) {
      const isLate = isDraftError(error) && error.code === "DRAFT_ABORTED" && deadline.aborted;
      if (!isLate || request.signal?.aborted === true) throw error;
      throw new DraftError(
        "DRAFT_ABORTED",
        `Stopped the ${operation} after ${rollback.timeoutMs} ms, before anything was changed. ` +
          "Raise safety.rollback.timeout for it.",
        { cause: error },
      );
    }
  }
}
