import { closeQuietly } from "../disk/close-quietly.ts";
import type { FileCreation } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { bootIdOf } from "../disk/process-identity.ts";
import { journalPackOf } from "../disk/state/state-directory.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { failureOf } from "../failure-of.ts";
import { backgroundFilesMin, backgroundStagingMs, laterStagingMs } from "../limits.ts";
import { PackBuilder, type PackSummary } from "../objects/pack-builder.ts";
import type { ChangeSet } from "./change-set/change-set.ts";
import { addCheckpoint, type Checkpoint } from "./checkpoint/checkpoint.ts";
import type { ManifestChange } from "./checkpoint/manifest.ts";
import { operationFactsOf } from "./checkpoint/operation-facts.ts";
import { RecordedTree } from "./checkpoint/recorded-tree.ts";
import { refuseErrors } from "./checks/check-finding.ts";
import { findCollidingNames } from "./checks/colliding-names.ts";
import { CommitChecks } from "./checks/commit-checks.ts";
import type { CommitStore } from "./commit-store.ts";
import { Examiner } from "./conflict/examine.ts";
import type { Seen } from "./conflict/recheck.ts";
import { compareNames } from "./conflict/shared-nodes.ts";
import { type Conflict, ConflictError } from "./conflict.ts";
import { encodeRecord, type JournalRecord } from "./journal/journal-record.ts";
import { fitsSlot } from "./journal/journal-slots.ts";
import { PackFile } from "./journal/pack-file.ts";
import { clearPaid, payLast } from "./journal/settle.ts";
import type { LockOptions } from "./lock/lock.ts";
import { type OpenRoot, openRoot } from "./open-root.ts";
import type { CommitOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import { openDirectoriesMaxOf } from "./plan/open-directories-max.ts";
import { packBytesOf } from "./plan/pack-bytes.ts";
import { type CommitPlan, planCommit } from "./plan/plan.ts";
import { PlannedNodes } from "./plan/planned-nodes.ts";
import { storedContents } from "./plan/stored-contents.ts";
import { preparationFailure } from "./preparation-failure.ts";
import type { RecordSlot } from "./preparations.ts";
import { PreparedCommit } from "./prepared-commit.ts";
import { purposeOf } from "./purpose.ts";
import type { Durability } from "./receipt.ts";
import { needsInode } from "./recover/copied-tree.ts";
import { Allocator } from "./stage/allocator.ts";
import { CopyUp } from "./stage/copy-up.ts";
import { type FittedPlan, fitPlan } from "./stage/fit-plan.ts";
import { LaterFiles } from "./stage/later-files.ts";
import { ReplacedFiles } from "./stage/replaced-files.ts";
import { Stager } from "./stage/stage.ts";
import { stagesLater } from "./stage/stages-later.ts";
import { removeStaging, StagingPlace } from "./stage/staging-place.ts";
import { Directories } from "./tree/directories.ts";

/**
 * Does everything of a commit that can fail for a reason, and changes nothing: takes the lock,
 * compares the tree with what the changes are based on, stages new files, writes pack and record.
 *
 * The result holds the lock and must be published or discarded; `await using` discards it.
 *
 * @throws {DraftError} `DRAFT_CONFLICT` naming every path that has moved on; `DRAFT_LOCKED`,
 *   `DRAFT_ABORTED`, `DRAFT_PLAN_INVALID`, `DRAFT_COMMIT_FAILED`. Nothing is left behind.
 */
export async function prepareCommit(
  store: CommitStore,
  changeSet: ChangeSet,
  options: CommitOptions = {},
): Promise<PreparedCommit> {
  const plan = planCommit(changeSet);
  const pace = new Pace(options.onProgress, options.signal);
  pace.check();
  const root = await openRoot(store, lockOptionsOf(options, plan)).catch((error: unknown) => {
    throw preparationFailure(error, purposeOf(options), store.state.root);
  });
  try {
    const sequence = root.last.sequence + 1;
    const fitted = fitPlan(store, plan, sequence, root.lock);
    const checks = await CommitChecks.open(store.disk, options);
    return await new Preparation(store, fitted, options, pace, root, checks).run();
  } catch (error) {
    root.lock.release();
    throw preparationFailure(error, purposeOf(options), store.state.root);
  }
}

function lockOptionsOf(options: CommitOptions, { staged }: CommitPlan): LockOptions {
  return {
    // The next commit is likely to be of this process as well.
    keepsFile: true,
    // New files need native calls in any case, for their attributes; what needs none is short.
    ...(staged.length > 0 ? {} : { nativeSavingUs: 0 }),
    ...(options.lockWaitMs === undefined ? {} : { waitMs: options.lockWaitMs }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

class Preparation {
  readonly #store: CommitStore;
  readonly #plan: CommitPlan;
  readonly #fitted: FittedPlan;
  readonly #options: CommitOptions;
  readonly #pace: Pace;
  readonly #root: OpenRoot;
  readonly #checks: CommitChecks;
  readonly #durability: Durability;
  readonly #sequence: number;
  readonly #nodes: PlannedNodes;
  readonly #recorded: RecordedTree;
  readonly #isLater: boolean;
  readonly #staging: StagingPlace;
  readonly #packFile: PackFile;
  readonly #directories: Directories;
  readonly #allocator: Allocator;
  readonly #stager: Stager;
  readonly #replaced: ReplacedFiles;
  readonly #descriptors: number[] = [];
  #pack: PackBuilder | undefined;
  readonly #startedMs = performance.now();

  constructor(
    store: CommitStore,
    fitted: FittedPlan,
    options: CommitOptions,
    pace: Pace,
    root: OpenRoot,
    checks: CommitChecks,
  ) {
    const { disk, state, objects } = store;
    const { plan } = fitted;
    this.#store = store;
    this.#fitted = fitted;
    this.#plan = plan;
    this.#options = options;
    this.#pace = pace;
    this.#root = root;
    this.#checks = checks;
    this.#durability = options.durability ?? "durable";
    this.#sequence = root.last.sequence + 1;
    this.#nodes = new PlannedNodes(plan, root.lock, fitted.attributes);
    this.#recorded = new RecordedTree(objects);
    this.#isLater = checks.onStaging === undefined && stagesLater(fitted, root.last, options);
    this.#staging = new StagingPlace(disk, state, this.#sequence, plan.staged.length > 0);
    this.#packFile = new PackFile(disk, journalPackOf(state, this.#sequence));
    this.#directories = new Directories(disk, state.root, openDirectoriesMaxOf(plan));
    this.#allocator = new Allocator(disk, state, plan);
    this.#stager = new Stager(disk, this.#directories, {
      checks: checks.onStaging,
      background: this.#background(checks),
      isLater: this.#isLater,
      allocator: this.#allocator,
      isDurable: this.#durability === "durable",
    });
    this.#replaced = new ReplacedFiles(disk, plan, this.#stager, this.#packFile);
  }

  async run(): Promise<PreparedCommit> {
    const { disk, state, journal } = this.#store;
    // The debt of the operation before is paid while this one is being staged.
    const paid = this.#payLast();
    try {
      return await this.#prepare(paid);
    } catch (error) {
      const settled = this.#pack && failureOf(this.#pack.settle());
      await Promise.all([this.#clear(paid), this.#stager.finish(), settled]);
      for (const descriptor of this.#descriptors) closeQuietly(disk, descriptor);
      this.#packFile[Symbol.dispose]();
      this.#replaced.close();
      this.#directories.forget();
      removeStaging(disk, state, this.#sequence);
      journal.dropNext(this.#sequence);
      throw error;
    }
  }

  async #prepare(paid: Promise<boolean>): Promise<PreparedCommit> {
    const { journal } = this.#store;
    const stager = this.#stager;
    if (!this.#isLater) this.#staging.make();
    this.#refuseCollisions();
    const pack = this.#openPack();
    this.#pack = pack;
    const examiner = this.#examiner(pack);
    await this.#examineAndStage(examiner, pack);
    const seen = this.#settle(examiner);
    const changes = this.#nodes.manifestChanges();
    const staged = stager.finish();
    const checkpoint = this.#addCheckpoint(pack, changes);
    const summary = pack.finish();
    const prepared = this.#record(checkpoint, summary);
    const isLarge = stager.hasLarge || examiner.largeFiles.size > 0;
    const slot = isLarge ? undefined : this.#slot(prepared, summary);
    const later = this.#isLater ? this.#later(pack) : undefined;
    const record = slot === undefined && later !== undefined ? asStaged(prepared) : prepared;
    if (slot === undefined) later?.make(record);
    const packed = failureOf(pack.settle());
    // A slot keeps record and pack together; otherwise each has a file that must be durable.
    if (slot !== undefined) await packed.then(() => this.#packFile.close());
    else this.#descriptors.push(this.#packFile.take(), journal.writeNext(record));
    this.#openLarge();
    return new PreparedCommit({
      store: this.#store,
      lock: this.#root.lock,
      directories: this.#directories,
      record,
      slot,
      later: slot && later,
      last: this.#root.last,
      summary,
      checkpoint,
      changes,
      descriptors: this.#descriptors,
      packed,
      replaced: this.#replaced,
      allocator: this.#allocator,
      paid,
      staged,
      pace: this.#pace,
      purpose: purposeOf(this.#options),
      durability: this.#durability,
      syncs: stager.syncs,
      startedMs: this.#startedMs,
      warnings: this.#checks.warnings,
      losses: stager.losses,
      largeFiles: examiner.largeFiles,
      seen,
      rememberContents: () => this.#nodes.noteContents(this.#store.contents),
    });
  }

  async #examineAndStage(examiner: Examiner, pack: PackBuilder): Promise<void> {
    const isClear = (): boolean => this.#checks.isClear(this.#store, this.#directories, this.#plan);
    if (this.#stager.isInBackground && isClear()) {
      // Files are created while the places are looked at.
      await this.#stage(pack);
      await this.#examine(examiner);
      return;
    }
    await this.#examine(examiner);
    this.#checks.preflight(this.#store, this.#directories, this.#plan);
    await this.#stage(pack);
  }

  /** Pays for the operation before; whether that failed is asked when it matters. */
  #payLast(): Promise<boolean> {
    const paid = payLast(this.#store, this.#root.last);
    void failureOf(paid);
    return paid;
  }

  #clear(paid: Promise<boolean>): Promise<void> {
    return clearPaid(this.#store, this.#root.last, paid);
  }

  #later(pack: PackBuilder): LaterFiles {
    return new LaterFiles({
      root: this.#store.state.root,
      purpose: purposeOf(this.#options),
      staging: this.#staging,
      stager: this.#stager,
      pack,
      packFile: this.#packFile,
    });
  }

  #refuseCollisions(): void {
    const collisions = findCollidingNames(this.#store, this.#plan.asked.changes, this.#staging);
    refuseErrors(collisions, purposeOf(this.#options));
  }

  /** The pack of the operation, which will not hold what the store does. */
  #openPack(): PackBuilder {
    const isStored = storedContents(this.#store, this.#recorded, this.#plan, this.#options);
    const expectedBytes = packBytesOf(this.#plan);
    return new PackBuilder(this.#store.disk, this.#packFile, {
      expectedBytes,
      isStored,
      isHeld: this.#isLater,
    });
  }

  #addCheckpoint(pack: PackBuilder, changes: readonly ManifestChange[]): Checkpoint {
    return addCheckpoint(
      this.#store.objects,
      this.#recorded,
      pack,
      operationFactsOf(this.#plan, this.#options, this.#sequence),
      changes,
    );
  }

  /** Where record and pack find room together, if anywhere. */
  #slot(record: JournalRecord, { bytes: pack }: PackSummary): RecordSlot | undefined {
    const { slot } = this.#root.last;
    if (slot === undefined || pack === undefined || this.#durability !== "durable")
      return undefined;
    if (pack.length > slot.free.layout.slotBytes) return undefined;
    const bytes = encodeRecord(record);
    return fitsSlot(slot.free, bytes, pack) ? { free: slot.free, bytes, pack } : undefined;
  }

  /** Not under checks that look at every file as it is written. */
  #background({ onStaging }: CommitChecks): FileCreation | undefined {
    if (onStaging !== undefined || this.#plan.staged.length < backgroundFilesMin) return undefined;
    return this.#store.disk.createInBackground?.();
  }

  #examiner(pack: PackBuilder): Examiner {
    const { onReplaced } = this.#checks;
    const directories = this.#directories;
    return new Examiner(this.#store, this.#plan, directories, pack, this.#replaced, onReplaced);
  }

  /** What was seen, by the inodes that the commit will meet. */
  #settle({ seen }: Examiner): readonly Seen[] {
    if (!this.#fitted.isLayered) return seen;
    const { disk, state } = this.#store;
    const slot = `${absoluteOf(state.root, this.#staging.path)}/copied-up`;
    const copyUp = new CopyUp(disk, slot, !this.#root.lock.hasStableInodes);
    return copyUp.settle(this.#directories, seen, this.#nodes);
  }

  async #examine(examiner: Examiner): Promise<void> {
    const conflicts: Conflict[] = [];
    await this.#pace.each("check", this.#plan.expectations, (expectation) => {
      const finding = this.#at(expectation.path, () => examiner.examine(expectation));
      if (finding.kind === "conflict") conflicts.push(finding.conflict);
      else if (finding.image !== undefined && expectation.before !== undefined) {
        this.#nodes.noteFound(expectation.before, finding.image);
      }
    });
    const names = compareNames(examiner.seen);
    this.#nodes.noteShared(names.written);
    conflicts.push(...names.conflicts);
    if (conflicts.length === 0) return;
    throw new ConflictError(
      conflicts.map((conflict) => ({ ...conflict, change: this.#fitted.askedBy(conflict.change) })),
    );
  }

  async #stage(pack: PackBuilder): Promise<void> {
    await this.#pace.each("stage", this.#plan.staged, (item) => {
      const slot = `${this.#staging.path}/${item.slot}`;
      this.#nodes.noteStaged(
        item.after,
        this.#at(item.path, () => this.#stager.stage(item, slot, pack)),
      );
    });
    this.#checks.finish();
  }

  /** Attaches the path that the caller knows to whatever goes wrong there. */
  #at<Result>(path: TreePath, attempt: () => Result): Result {
    try {
      return attempt();
    } catch (error) {
      throw preparationFailure(error, purposeOf(this.#options), this.#store.state.root, path);
    }
  }

  /** What no pack holds must be durable itself before the record is: bytes and names. */
  #openLarge(): void {
    const { disk, state } = this.#store;
    if (!this.#stager.hasLarge) return;
    for (const place of this.#stager.unsyncedPlaces) {
      this.#descriptors.push(disk.open(this.#directories.locate(place), openFlags.read));
    }
    for (const path of [absoluteOf(state.root, this.#staging.path), state.staging]) {
      this.#descriptors.push(disk.open(path, openFlags.readDirectory));
    }
  }

  #record(checkpoint: Checkpoint, { checksum, size }: PackSummary): JournalRecord {
    const steps = this.#nodes.steps(this.#staging.path);
    const isStaging = this.#isLater || this.#stager.isInBackground;
    const stagingMs = this.#isLater ? laterStagingMs : backgroundStagingMs;
    const createdMs = Date.now();
    const stateInode = steps.some(needsInode) ? this.#root.lock.directoryInode : undefined;
    return {
      sequence: this.#sequence,
      kind: "commit",
      createdMs,
      // Files are still being staged; should they take longer, the record is renewed.
      ...(isStaging ? { stagedByMs: createdMs + stagingMs } : {}),
      bootId: bootIdOf(this.#store.disk),
      ...(stateInode === undefined ? {} : { stateInode }),
      pack: { sequence: this.#sequence, checksum, size },
      staging: this.#staging.path,
      refs: checkpoint.refs,
      steps,
    };
  }
}

/** A record whose files are staged before it goes anywhere, with its time where they are later. */
function asStaged({ stagedByMs: _, ...record }: JournalRecord): JournalRecord {
  return record;
}
