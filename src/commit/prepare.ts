import { closeQuietly } from "../disk/close-quietly.ts";
import type { FileCreation } from "../disk/disk.ts";
import { descriptorLimit } from "../disk/node/descriptor-limit.ts";
import { openAnew } from "../disk/open-anew.ts";
import { openFlags } from "../disk/open-flags.ts";
import { bootIdOf } from "../disk/process-identity.ts";
import { journalPackOf } from "../disk/state/state-directory.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { failureOf } from "../failure-of.ts";
import {
  backgroundFilesMin,
  backgroundStagingMs,
  manyPinnedDirectoriesMax,
  pinnedDirectoriesMax,
} from "../limits.ts";
import { PackBuilder, type PackSummary } from "../objects/pack-builder.ts";
import type { ChangeSet } from "./change-set/change-set.ts";
import { addCheckpoint, type Checkpoint, type OperationFacts } from "./checkpoint/checkpoint.ts";
import type { ManifestChange } from "./checkpoint/manifest.ts";
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
import { clearPaid, payLast } from "./journal/settle.ts";
import type { LockOptions } from "./lock/lock.ts";
import { type OpenRoot, openRoot } from "./open-root.ts";
import type { CommitOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import { packBytesOf } from "./plan/pack-bytes.ts";
import { type CommitPlan, planCommit } from "./plan/plan.ts";
import { PlannedNodes } from "./plan/planned-nodes.ts";
import type { Step } from "./plan/step.ts";
import { storedContents } from "./plan/stored-contents.ts";
import { preparationFailure } from "./preparation-failure.ts";
import type { RecordSlot } from "./preparations.ts";
import { PreparedCommit } from "./prepared-commit.ts";
import { purposeOf } from "./purpose.ts";
import { needsInode } from "./recover/copied-tree.ts";
import { CopyUp } from "./stage/copy-up.ts";
import { type FittedPlan, fitPlan } from "./stage/fit-plan.ts";
import { ReplacedFiles } from "./stage/replaced-files.ts";
import { Stager } from "./stage/stage.ts";
import { makeStaging, removeStaging } from "./stage/staging-place.ts";
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
    return await new Preparation(store, fitted, options, pace, root).run();
  } catch (error) {
    root.lock.release();
    throw preparationFailure(error, purposeOf(options), store.state.root);
  }
}

function lockOptionsOf(options: CommitOptions, { staged }: CommitPlan): LockOptions {
  return {
    // New files need native calls in any case, for their attributes; what needs none is short.
    ...(staged.length > 0 ? {} : { nativeSavingUs: 0 }),
    ...(options.lockWaitMs === undefined ? {} : { waitMs: options.lockWaitMs }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

interface ExaminerParts {
  readonly directories: Directories;
  readonly pack: PackBuilder;
  readonly replaced: ReplacedFiles;
  readonly checks: CommitChecks;
}

class Preparation {
  readonly #store: CommitStore;
  readonly #plan: CommitPlan;
  readonly #fitted: FittedPlan;
  readonly #options: CommitOptions;
  readonly #pace: Pace;
  readonly #root: OpenRoot;
  readonly #sequence: number;
  readonly #nodes: PlannedNodes;
  readonly #recorded: RecordedTree;
  readonly #startedMs = performance.now();

  constructor(
    store: CommitStore,
    fitted: FittedPlan,
    options: CommitOptions,
    pace: Pace,
    root: OpenRoot,
  ) {
    this.#store = store;
    this.#fitted = fitted;
    this.#plan = fitted.plan;
    this.#options = options;
    this.#pace = pace;
    this.#root = root;
    this.#sequence = root.last.sequence + 1;
    this.#nodes = new PlannedNodes(fitted.plan, root.lock, fitted.attributes);
    this.#recorded = new RecordedTree(store.objects);
  }

  async run(): Promise<PreparedCommit> {
    const { disk, state, journal } = this.#store;
    const checks = await CommitChecks.open(disk, this.#options);
    const staging = makeStaging(disk, state, this.#sequence, this.#plan.staged.length > 0);
    const packDescriptor = openAnew(disk, journalPackOf(state, this.#sequence));
    const directories = new Directories(disk, state.root, directoriesMaxOf(this.#plan));
    const descriptors = [packDescriptor];
    const durability = this.#options.durability ?? "durable";
    const stager = new Stager(disk, directories, {
      checks: checks.onStaging,
      background: this.#background(checks),
      isDurable: durability === "durable",
    });
    const replaced = this.#replacedFiles(stager, packDescriptor);
    // The debt of the operation before is paid while this one is being staged.
    const { lock, last } = this.#root;
    const paid = this.#payLast();
    let pack: PackBuilder | undefined;
    try {
      this.#refuseCollisions(staging);
      pack = this.#openPack(packDescriptor);
      const examiner = this.#examiner({ directories, pack, replaced, checks });
      if (stager.isInBackground && checks.isClear(this.#store, directories, this.#plan)) {
        // Files are created while the places are looked at.
        await this.#stage(stager, staging, pack, checks);
        await this.#examine(examiner);
      } else {
        await this.#examine(examiner);
        checks.preflight(this.#store, directories, this.#plan);
        await this.#stage(stager, staging, pack, checks);
      }
      const seen = this.#settle(directories, examiner, staging);
      const changes = this.#nodes.manifestChanges();
      const staged = stager.finish();
      const checkpoint = this.#addCheckpoint(pack, changes);
      const summary = pack.finish();
      const steps = this.#nodes.steps(staging);
      const record = this.#record(staging, checkpoint, summary, steps, stager.isInBackground);
      const isLarge = stager.hasLarge || examiner.largeFiles.size > 0;
      const slot = isLarge || durability !== "durable" ? undefined : this.#slot(record, summary);
      const packed = failureOf(pack.settle());
      // A slot keeps record and pack together; otherwise each has a file that must be durable.
      if (slot === undefined) descriptors.push(journal.writeNext(record));
      else await packed.then(() => disk.close(descriptors.pop() as number));
      descriptors.push(...this.#openLarge(stager, directories, staging));
      return new PreparedCommit({
        store: this.#store,
        lock,
        directories,
        record,
        slot,
        last,
        summary,
        checkpoint,
        changes,
        descriptors,
        packed,
        replaced,
        paid,
        staged,
        pace: this.#pace,
        purpose: purposeOf(this.#options),
        durability,
        syncs: stager.syncs,
        startedMs: this.#startedMs,
        warnings: checks.warnings,
        losses: stager.losses,
        largeFiles: examiner.largeFiles,
        seen,
        rememberContents: () => this.#rememberContents(),
      });
    } catch (error) {
      await Promise.all([this.#clear(paid), stager.finish(), pack && failureOf(pack.settle())]);
      for (const descriptor of descriptors) closeQuietly(disk, descriptor);
      replaced.close();
      directories.forget();
      removeStaging(disk, state, this.#sequence);
      journal.dropNext(this.#sequence);
      throw error;
    }
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

  #refuseCollisions(staging: string): void {
    const collisions = findCollidingNames(this.#store, this.#plan.asked.changes, staging);
    refuseErrors(collisions, purposeOf(this.#options));
  }

  /** The pack of the operation, which will not hold what the store does. */
  #openPack(descriptor: number): PackBuilder {
    const isStored = storedContents(this.#store, this.#recorded, this.#plan, this.#options);
    const expectedBytes = packBytesOf(this.#plan);
    return new PackBuilder(this.#store.disk, descriptor, { expectedBytes, isStored });
  }

  #addCheckpoint(pack: PackBuilder, changes: readonly ManifestChange[]): Checkpoint {
    return addCheckpoint(this.#store.objects, this.#recorded, pack, this.#facts(), changes);
  }

  #replacedFiles({ isInBackground }: Stager, descriptor: number): ReplacedFiles {
    const directories = directoriesMaxOf(this.#plan);
    const { length } = this.#plan.expectations;
    // Of many it takes a thread of ours, which is not worth starting for this alone.
    const max = isInBackground || length < backgroundFilesMin ? length : 0;
    return new ReplacedFiles(this.#store.disk, max, { directories, descriptor });
  }

  /** Where record and pack find room together, if anywhere. */
  #slot(record: JournalRecord, { bytes: pack }: PackSummary): RecordSlot | undefined {
    const { slot } = this.#root.last;
    if (slot === undefined || pack === undefined || pack.length > slot.free.layout.slotBytes) {
      return undefined;
    }
    const bytes = encodeRecord(record);
    return fitsSlot(slot.free, bytes, pack) ? { free: slot.free, bytes, pack } : undefined;
  }

  /** Not under checks that look at every file as it is written. */
  #background({ onStaging }: CommitChecks): FileCreation | undefined {
    if (onStaging !== undefined || this.#plan.staged.length < backgroundFilesMin) return undefined;
    return this.#store.disk.createInBackground?.();
  }

  #examiner({ directories, pack, replaced, checks }: ExaminerParts): Examiner {
    const { onReplaced } = checks;
    return new Examiner(this.#store, this.#plan, directories, pack, replaced, onReplaced);
  }

  /** What was seen, by the inodes that the commit will meet. */
  #settle(directories: Directories, { seen }: Examiner, staging: TreePath): readonly Seen[] {
    if (!this.#fitted.isLayered) return seen;
    const { disk, state } = this.#store;
    const slot = `${absoluteOf(state.root, staging)}/copied-up`;
    const copyUp = new CopyUp(disk, slot, !this.#root.lock.hasStableInodes);
    return copyUp.settle(directories, seen, this.#nodes);
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

  async #stage(
    stager: Stager,
    staging: TreePath,
    pack: PackBuilder,
    checks: CommitChecks,
  ): Promise<void> {
    await this.#pace.each("stage", this.#plan.staged, (item) => {
      const slot = `${staging}/${item.slot}`;
      this.#nodes.noteStaged(
        item.after,
        this.#at(item.path, () => stager.stage(item, slot, pack)),
      );
    });
    checks.finish();
  }

  /** Attaches the path that the caller knows to whatever goes wrong there. */
  #at<Result>(path: TreePath, attempt: () => Result): Result {
    try {
      return attempt();
    } catch (error) {
      throw preparationFailure(error, purposeOf(this.#options), this.#store.state.root, path);
    }
  }

  #facts(): OperationFacts {
    const { operation, message, author, command, commands = [], concerns, draft } = this.#options;
    const [only] = commands.length === 1 ? commands : [];
    return {
      sequence: this.#sequence,
      operation: operation === "apply" ? "commit" : (operation ?? "commit"),
      message: message ?? defaultMessageOf(this.#plan),
      author: author ?? "draftfs <>",
      command: command ?? only?.words ?? null,
      ...(commands.length === 0 ? {} : { commands }),
      ...(draft === undefined ? {} : { draft }),
      createdMs: Date.now(),
      concerns: concerns ?? [],
    };
  }

  /** What no pack holds must be durable itself before the record is: bytes and names. */
  #openLarge(stager: Stager, directories: Directories, staging: TreePath): number[] {
    const { disk, state } = this.#store;
    if (!stager.hasLarge) return [];
    const files = stager.unsyncedPlaces.map((place) =>
      disk.open(directories.locate(place), openFlags.read),
    );
    const names = [absoluteOf(state.root, staging), state.staging];
    return [...files, ...names.map((path) => disk.open(path, openFlags.readDirectory))];
  }

  /** Notes what the changes are based on, for another attempt after this one was taken back. */
  #rememberContents(): void {
    for (const [{ stamp }, image] of this.#nodes.found) {
      if (stamp === undefined || image.kind !== "file" || image.oid === "") continue;
      this.#store.contents.note(stamp, image.oid);
    }
  }

  #record(
    staging: TreePath,
    checkpoint: Checkpoint,
    { checksum, size }: PackSummary,
    steps: readonly Step[],
    isStaging: boolean,
  ): JournalRecord {
    const createdMs = Date.now();
    const stateInode = steps.some(needsInode) ? this.#root.lock.directoryInode : undefined;
    return {
      sequence: this.#sequence,
      kind: "commit",
      createdMs,
      // The last files are still being staged; should they take longer, the record is renewed.
      ...(isStaging ? { stagedByMs: createdMs + backgroundStagingMs } : {}),
      bootId: bootIdOf(this.#store.disk),
      ...(stateInode === undefined ? {} : { stateInode }),
      pack: { sequence: this.#sequence, checksum, size },
      staging,
      refs: checkpoint.refs,
      steps,
    };
  }
}

/** How many directories to hold open. With many files, each phase passes through all of them. */
function directoriesMaxOf({ staged }: CommitPlan): number {
  if (staged.length < backgroundFilesMin) return pinnedDirectoriesMax;
  return Math.min(manyPinnedDirectoriesMax, Math.floor(descriptorLimit() / 8));
}

function defaultMessageOf(plan: CommitPlan): string {
  const { changes } = plan.asked;
  const [first] = changes;
  if (changes.length === 1 && first !== undefined) return `${first.kind} ${first.path || "."}`;
  return `Change ${changes.length} paths`;
}
