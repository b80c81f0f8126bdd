import { checkFunction, checkOptions } from "../check-options.ts";
import type { ChangeSet } from "../commit/change-set/change-set.ts";
import type { ChangeSetJson } from "../commit/change-set/change-set-json.ts";
import { type Selection, selectChanges } from "../commit/change-set/select.ts";
import { type CommitStore, closeCommitStore } from "../commit/commit-store.ts";
import { callsBack, type Resolver, takeOurs } from "../commit/conflict/commit-resolving.ts";
import { diffLayer } from "../commit/diff/diff.ts";
import { settleIfFree } from "../commit/journal/settle.ts";
import type { CommitOptions } from "../commit/options.ts";
import { planFileOf } from "../commit/plan/plan-file.ts";
import type { CommitReceipt } from "../commit/receipt.ts";
import type { RecoveryReport } from "../commit/recover/recover.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { Draft } from "../drafts/draft.ts";
import type { DraftCommand } from "../drafts/draft-command.ts";
import type { OptimizerSettings } from "../engines/optimizer-settings.ts";
import { untilIdle } from "../engines/stream/until-idle.ts";
import { DraftError, isDraftError } from "../errors.ts";
import type { Layer, OverlayFs, Savepoint } from "../overlay/layer.ts";
import type { RunResult, SpawnedCommand } from "../sandbox/session.ts";
import { CommandLog } from "./command-log.ts";
import { CommandRuns, type OverlayRunOptions } from "./command-runs.ts";
import { type CommandDiff, Diff } from "./diff.ts";
import { History } from "./history.ts";
import { reportOfCheck } from "./operation-reports.ts";
import { commitNames, planNames, selectionNames } from "./option-names.ts";
import type { OverlayParts } from "./overlay-parts.ts";
import { publishChanges } from "./publish-changes.ts";
import type { CommitRequest, OverlayReceipt, PlanOptions, SavedDraft } from "./receipt.ts";
import { draftReferenceOf, saveDraft, saveRest } from "./save-draft.ts";
import { replacedBy, settledPaths } from "./touched-places.ts";
import { TransactionScope } from "./transaction-scope.ts";
import { withoutUnfinished } from "./without-unfinished.ts";

/**
 * A copy-on-write overlay over a directory: everything is read through, nothing is written before
 * `commit()`. Opened by `openOverlay()`; close it when done, `await using` does.
 */
export class Overlay extends History implements AsyncDisposable {
  /** The merged view, in the shape of `node:fs`. Relative paths resolve against the root. */
  readonly fs: OverlayFs;
  /** What engines and tools over it go by: the configuration of the root. */
  readonly optimizer: OptimizerSettings;
  /** What is written waits for the commit, which writes all of it together. */
  readonly holdsChanges = true;
  /** What opening it had to finish or take back of an operation that was cut off. */
  readonly recovered: RecoveryReport;
  readonly #layer: Layer;
  readonly #store: CommitStore;
  readonly #draft: Draft | undefined;
  readonly #runs: CommandRuns;
  readonly #transactions = new TransactionScope();
  readonly #commands: CommandLog;
  /** The commands that had run at each savepoint. */
  readonly #commandsAt = new WeakMap<Savepoint, readonly DraftCommand[]>();
  #isClosed = false;

  /** @internal Use `openOverlay()`. */
  constructor(parts: OverlayParts) {
    super(parts.store, parts.settings, parts.meter);
    this.fs = parts.layer.fs;
    this.recovered = parts.recovered;
    this.optimizer = parts.settings.optimizer;
    this.#layer = parts.layer;
    this.#store = parts.store;
    this.#draft = parts.draft;
    this.#commands = new CommandLog(parts.commands);
    this.#runs = new CommandRuns({
      ...parts,
      log: this.#commands,
      isParallel: this.optimizer.profile.parallelism,
    });
  }

  /** Grows with every change; equal numbers mean that nothing has changed in between. */
  get generation(): number {
    return this.#layer.generation;
  }

  /**
   * Resolves when the commit that is being carried out is over; `undefined` while there is none.
   * Until then nothing can be changed: synchronous calls fail with `EBUSY`, all others wait.
   */
  get idle(): Promise<void> | undefined {
    return this.#layer.idle;
  }

  /**
   * What is pending, as a value. In time proportional to what was changed.
   *
   * @param selection only what matches; everything by default.
   */
  async diff(selection: Selection = {}): Promise<Diff> {
    checkOptions("diff", selection, selectionNames);
    this.#refuseClosed();
    await this.#runs.harvest();
    const pending = withoutUnfinished(this.fs, diffLayer(this.#layer));
    return this.#diffOf(selectChanges(pending, selection));
  }

  /**
   * Runs a command over the overlay: it sees what is pending, and what it writes is pending
   * afterwards. The real tree is not touched.
   *
   * @throws {DraftError} `DRAFT_ISOLATION` when this system cannot keep it off the real tree as
   *   far as required: nothing was run then. `DRAFT_SANDBOX_FAILED`.
   */
  async run(
    command: string,
    args: readonly string[] = [],
    options: OverlayRunOptions = {},
  ): Promise<RunResult> {
    const spawned = await this.spawn(command, args, options);
    return spawned.result;
  }

  /**
   * Like {@link Overlay.run}, but returns as soon as the command runs, with its streams. For an
   * agent without `parallel_execution` that is when the command before it has ended.
   */
  async spawn(
    command: string,
    args: readonly string[] = [],
    options: OverlayRunOptions = {},
  ): Promise<SpawnedCommand> {
    return this.#runs.spawn(command, args, options);
  }

  /** Runs the user's shell at the terminal, over the overlay. */
  async shell(options: OverlayRunOptions = {}): Promise<RunResult> {
    return this.#runs.shell(options);
  }

  /**
   * What is pending, by the command that touched each path last, oldest first; what was changed
   * through `overlay.fs` comes before, without a command. Kept in a saved draft.
   */
  async diffByCommand(selection: Selection = {}): Promise<readonly CommandDiff[]> {
    const diff = await this.diff(selection);
    return this.#commands.group(diff.changeSet).map(({ command, changeSet }) => ({
      command,
      diff: this.#diffOf(changeSet),
    }));
  }

  /** Takes what running commands have changed so far into the overlay. */
  async harvest(): Promise<void> {
    await this.#runs.harvest();
  }

  /**
   * Brings what is pending to the disk, all of it or none, also across a crash, and records it as a
   * checkpoint. What an `include` or `exclude` leaves out stays pending.
   *
   * @throws {DraftError} `DRAFT_NOTHING_PENDING`; `DRAFT_CONFLICT` when the disk has moved on since
   *   the overlay looked: nothing is touched; `DRAFT_COMMIT_FAILED` when a step failed: everything
   *   was put back; `DRAFT_LOCKED`, `DRAFT_ABORTED`; `DRAFT_TRANSACTION` inside of `transact()`.
   */
  async commit(request: CommitRequest = {}): Promise<OverlayReceipt> {
    return this.#commitOutside(request);
  }

  /**
   * Like {@link Overlay.commit}, but overwrites what has changed on the disk meanwhile. What was
   * overwritten is in the checkpoint.
   */
  async commitForce(request: CommitRequest = {}): Promise<OverlayReceipt> {
    return this.#commitOutside(request, takeOurs);
  }

  /**
   * Like {@link Overlay.commit}, but lets `resolver` decide every conflict; see `mergingResolver()`
   * for a three-way merge of texts. No lock is held while it does.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` with the conflicts that it left undecided.
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no decision; nothing is touched.
   */
  async commitWith(resolver: Resolver, request: CommitRequest = {}): Promise<OverlayReceipt> {
    checkFunction("commitWith", resolver, "decides a conflict");
    return this.#commitOutside(request, resolver);
  }

  /**
   * What is pending as a plan: plain data that `applyPlan()` applies later, here or elsewhere, and
   * refuses when what it is based on has moved on.
   *
   * @throws {DraftError} `DRAFT_PLAN_STALE` when a file has changed under the overlay already;
   *   `DRAFT_UNSUPPORTED` for more than 256 MiB of new content.
   */
  async plan(options: PlanOptions = {}): Promise<ChangeSetJson> {
    checkOptions("plan", options, planNames);
    const { onProgress, ...selection } = options;
    const told = onProgress === undefined ? {} : { onProgress };
    return planFileOf(this.#store.disk, (await this.diff(selection)).changeSet, told);
  }

  /**
   * Calls `change` and commits everything pending when it returns; takes back what it changed when
   * it throws, or when the commit fails (unless `auto_rollback_on_error` is off). Called inside of
   * another one it is a part of that: it only takes back its own changes when it throws. Calls from
   * elsewhere wait for their turn.
   */
  async transact<Result>(
    change: (overlay: Overlay) => Promise<Result> | Result,
    request: CommitRequest = {},
  ): Promise<Result> {
    checkFunction("transact", change, "changes the overlay");
    checkOptions("transact", request, commitNames);
    return this.#transactions.enter(async (isOutermost) => {
      const savepoint = this.savepoint();
      try {
        const result = await change(this);
        if (isOutermost && (await this.diff()).changes.length > 0)
          await this.#measuredCommit(request);
        else this.release(savepoint);
        return result;
      } catch (error) {
        if (this.settings.rollback.onError) this.#takeBackTransaction(savepoint);
        else this.release(savepoint);
        throw error;
      }
    });
  }

  #takeBackTransaction(savepoint: Savepoint): void {
    const started = performance.now();
    this.rollback(savepoint);
    const report = reportOfCheck({ rollback: "done" });
    this.meter.note({ name: "rollback", sizeBytes: 0 }, performance.now() - started, report);
  }

  /** Writes a file unless it has this very content already; returns whether it was written. */
  writeUnlessSame(path: string, bytes: Uint8Array): boolean {
    return this.#layer.writeUnlessSame(path, bytes);
  }

  /** A point to come back to. O(1); savepoints nest. */
  savepoint(): Savepoint {
    const savepoint = this.#layer.savepoint();
    this.#commandsAt.set(savepoint, this.#commands.commands);
    return savepoint;
  }

  /** Takes back everything since a savepoint, and ends it. In time proportional to the changes. */
  rollback(savepoint: Savepoint): void {
    this.#layer.rollback(savepoint);
    this.#commands.rewind(this.#commandsAt.get(savepoint) ?? []);
  }

  /** Ends a savepoint; what was changed since belongs to the one around it. */
  release(savepoint: Savepoint): void {
    this.#layer.release(savepoint);
  }

  /** Throws away everything pending, in memory and in the saved draft. */
  async discard(): Promise<void> {
    await this.#runs.end();
    await untilIdle(this);
    this.#layer.reset();
    this.#commands.rewind([]);
    await this.saveDraft();
  }

  /**
   * Saves what is pending under the draft's name. Does nothing when it was opened without one.
   *
   * @returns the files that streams have written only a part of so far, which are not saved.
   */
  async saveDraft(): Promise<SavedDraft> {
    this.#refuseClosed();
    await untilIdle(this);
    return this.#saveDraft();
  }

  async #saveDraft(): Promise<SavedDraft> {
    if (this.#draft === undefined) return { leftOut: [] };
    await this.#runs.harvest();
    return saveDraft(this.#layer, this.#draft, this.#pendingCommands());
  }

  /**
   * Frees everything, once commits and transactions that were called before are over. What is
   * pending and neither committed nor saved is gone.
   *
   * @param options.settle whether to wait until what was committed is durable in the tree itself
   *   and not only by its journal, so that a reboot leaves nothing to do; `true` by default. With
   *   `false` a sync that has begun goes on and keeps the file system from being unmounted.
   */
  async close(options: { readonly settle?: boolean } = {}): Promise<void> {
    checkOptions("close", options, { settle: true });
    const { settle = true } = options;
    // What was called before is still done.
    await this.#transactions.idle();
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#runs.close();
    if (settle) await settleIfFree(this.#store);
    this.#layer.close();
    this.#draft?.close();
    closeCommitStore(this.#store);
    // Whoever unmounts what the root lies on finds it busy else.
    await this.#store.disk.whenClosed?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** When it is its turn: half of a transaction is not committed, nor the same thing twice. */
  async #commitOutside(request: CommitRequest, resolver?: Resolver): Promise<OverlayReceipt> {
    checkOptions("commit", request, commitNames);
    this.#transactions.refuseInside("commit");
    const commit = () => this.#measuredCommit(request, resolver);
    return callsBack(resolver)
      ? this.#transactions.enter(commit)
      : this.#transactions.enterAlone(commit);
  }

  #measuredCommit(request: CommitRequest, resolver?: Resolver): Promise<OverlayReceipt> {
    const safety = this.checkOf(request);
    return this.measured("commit", () => this.#commit(request, resolver), { safety });
  }

  async #commit(request: CommitRequest, resolver?: Resolver): Promise<OverlayReceipt> {
    await this.beforeChange();
    // A resolver may call and be waited for; it must not wait for the commit in turn.
    using _ = this.#layer.hold(!callsBack(resolver));
    const all = diffLayer(this.#layer);
    const { include: _include, exclude: _exclude, ...options } = request;
    const selected = selectChanges(withoutUnfinished(this.fs, all), request);
    if (selected.changes.length === 0) {
      const message = `Nothing is pending over ${this.root}.`;
      throw new DraftError("DRAFT_NOTHING_PENDING", message, { path: this.root });
    }
    const isWhole = selected.changes.length === all.changes.length;
    const settled = isWhole ? undefined : new Set(settledPaths(all, selected));
    this.#layer.keepContent(() => replacedBy(selected), settled);
    const draft = isWhole ? draftReferenceOf(this.#draft) : undefined;
    const commitOptions = {
      ...this.commitDefaults(options),
      commands: this.#commands.sharesOf(selected),
      ...options,
      ...(draft === undefined ? {} : { draft }),
    };
    const receipt = await this.#publishOrStay(selected, commitOptions, resolver);
    this.#layer.rebase(settled);
    this.#commands.rewind(this.#pendingCommands());
    const unsaved = await saveRest(this.#layer, this.#draft, this.#commands.commands);
    const done = this.#receiptOf(receipt, isWhole ? (all.unsupported ?? []) : []);
    return unsaved === undefined ? done : { ...done, unsaved };
  }

  async #publishOrStay(
    selected: ChangeSet,
    options: CommitOptions,
    resolver: Resolver | undefined,
  ): Promise<CommitReceipt> {
    try {
      return await publishChanges(this.#store, this.#layer, selected, options, resolver);
    } catch (error) {
      if (isDraftError(error) && error.code === "DRAFT_COMMIT_FAILED") {
        this.#layer.lookAgain();
        // Should that fail as well, the next commit asks about files that were only put back.
        await this.#saveDraft().catch(() => undefined);
      }
      throw error;
    }
  }

  #diffOf(changeSet: ChangeSet): Diff {
    return new Diff(changeSet, this.#layer.lower, this.#store.contents);
  }

  #pendingCommands(): readonly DraftCommand[] {
    if (this.#commands.commands.length === 0) return [];
    const pending = new Set([...this.#layer.pending()].map(({ path }) => path));
    return this.#commands.pendingAt((path) => pending.has(path));
  }

  #receiptOf(receipt: CommitReceipt, unsupported: readonly TreePath[]): OverlayReceipt {
    return {
      ...receipt,
      unsupported,
      undo: () => this.undo({ checkpoint: receipt.operation }),
    };
  }

  /** What it held is gone, and its draft may be another's by now. */
  #refuseClosed(): void {
    if (!this.#isClosed) return;
    const message = `The overlay of ${this.root} is closed. Open another one.`;
    throw new DraftError("DRAFT_CLOSED", message, { path: this.root });
  }

  /** The tree below a running namespace must not change: the next command starts a fresh one. */
  protected override async beforeChange(): Promise<void> {
    this.#refuseClosed();
    await this.#runs.suspend();
  }
}
