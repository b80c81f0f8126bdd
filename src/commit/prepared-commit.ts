import { closeQuietly } from "../disk/close-quietly.ts";
import { syncDirectory, syncFile } from "../disk/sync-directory.ts";
import { absoluteOf } from "../disk/tree-path.ts";
import { assert, type DraftError } from "../errors.ts";
import { type Failure, failureIn, failureOf } from "../failure-of.ts";
import { laterStagingMs } from "../limits.ts";
import { Applier } from "./apply/apply.ts";
import { KeptNames } from "./apply/kept-names.ts";
import { LastLook } from "./apply/last-look.ts";
import type { ManifestChange } from "./checkpoint/manifest.ts";
import { publishObjects } from "./checkpoint/publish-objects.ts";
import { StagedObjects } from "./checkpoint/staged-objects.ts";
import { findMovedOn } from "./conflict/recheck.ts";
import { sharedInodesOf } from "./conflict/shared-nodes.ts";
import { ConflictError } from "./conflict.ts";
import { failure } from "./failure.ts";
import { giveHeadStart } from "./head-start.ts";
import { encodeRecord, type JournalRecord } from "./journal/journal-record.ts";
import { clearPaid, ensureSlots, settleSoon } from "./journal/settle.ts";
import type { Losses } from "./losses.ts";
import { preparationFailure } from "./preparation-failure.ts";
import type { Preparations } from "./preparations.ts";
import type { CommitReceipt } from "./receipt.ts";
import { abortOperation, describeAbort } from "./recover/abort.ts";
import { partKept } from "./recover/part-kept.ts";
import { keepLargeFiles, largeDirectoryOf } from "./stage/keep-large.ts";
import { removeStaging } from "./stage/staging-place.ts";

/** A commit that has only to be decided. Publish it or discard it; it holds the lock until then. */
export class PreparedCommit implements AsyncDisposable {
  readonly #parts: Preparations;
  #state: "prepared" | "published" | "discarded" = "prepared";
  readonly #losses: Losses;
  readonly #stagedObjects = new StagedObjects();
  /** As it is in force, or will be. */
  #record: JournalRecord;
  #syncs: number;
  /** Open once the record is in its slot. */
  #slotDescriptor: number | undefined;

  constructor(parts: Preparations) {
    this.#parts = parts;
    this.#record = parts.record;
    this.#syncs = parts.syncs;
    this.#losses = parts.losses;
  }

  /** What the commit will do, as its manifest will keep it. */
  get changes(): readonly ManifestChange[] {
    return this.#parts.changes;
  }

  /**
   * Puts the record in force and carries it out.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` when the tree has changed since it was examined: nothing
   *   was touched. `DRAFT_COMMIT_FAILED` when a step failed: what was applied has been taken back.
   *   `DRAFT_OUTCOME_UNKNOWN` when the disk failed at the commit point: the next open
   *   decides.
   */
  async publish(): Promise<CommitReceipt> {
    assert(this.#state === "prepared", "a prepared commit is published or discarded once");
    const { store, lock, directories, largeFiles, record, last, paid, later } = this.#parts;
    const applier = new Applier(store.disk, directories, this.#losses);
    try {
      // What cannot be in the pack is kept by a second name before its first one is given away.
      const copies = keepLargeFiles(store, directories, largeFiles, record);
      // I3: every byte is durable before the record has its name.
      await this.#syncAndUseWait(copies, applier);
      // I4: what the record before did is durable before that record is replaced.
      await paid;
      await this.#renewRecord();
      this.#parts.pace.check();
      const { durability } = this.#parts;
      if (durability === "none") await store.journal.notes.beginVolatile(record.bootId);
      else store.journal.notes.endVolatile();
      // Nothing waits from here to the commit point, so that this look is worth something.
      const conflicts = findMovedOn(store.disk, directories, this.#parts.seen);
      if (conflicts.length > 0) throw new ConflictError(conflicts);
      this.#writeSlot();
    } catch (error) {
      await this.discard();
      throw preparationFailure(error, this.#parts.purpose, store.state.root);
    }
    this.#state = "published";
    let settle: (() => void) | undefined;
    try {
      const decided = this.#decide();
      if (this.#slotDescriptor !== undefined) giveHeadStart();
      const unmade = failureIn(() => {
        later?.makeAndClose(this.#record);
        if (this.#slotDescriptor !== undefined) this.#useWait(applier);
      });
      if (unmade === undefined) {
        // Only now: what is staged for a record that never counts nobody would clear away.
        this.#stagedObjects.stage(
          store.objects,
          record,
          this.#parts.summary,
          this.#parts.allocator,
        );
      }
      // What the operation before has left is of no use from now on.
      await Promise.all([decided, clearPaid(store, last, paid)]);
      if (unmade !== undefined) await this.#revoke(unmade);
      // From here on the commit is decided: it will be finished, or taken back by a record.
      await this.#apply(applier);
      const unpublished = this.#publishObjects();
      if (unpublished === undefined) settle = this.#settlingEarly();
      return this.#receipt(unpublished);
    } finally {
      try {
        this.#close();
      } finally {
        lock.release();
        settle?.();
      }
    }
  }

  /** Removes everything that was prepared and gives the lock back. */
  async discard(): Promise<void> {
    if (this.#state !== "prepared") return;
    this.#state = "discarded";
    const { store, lock, record, last, paid, staged, packed, largeFiles } = this.#parts;
    await Promise.all([clearPaid(store, last, paid), staged, packed]);
    try {
      this.#close();
      partKept(store, largeFiles);
      removeStaging(store.disk, store.state, record.sequence);
      store.journal.dropNext(record.sequence);
    } finally {
      lock.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.discard();
  }

  /** Makes durable what has a file of its own, and uses the time. */
  async #syncAndUseWait(copies: readonly string[], applier: Applier): Promise<void> {
    const synced = failureOf(this.#sync(copies));
    const staged = await this.#parts.staged;
    if (staged === undefined && this.#parts.slot === undefined) this.#useWait(applier);
    const failed = await synced;
    if (failed !== undefined) throw failed.error;
    await this.#awaitStaged();
  }

  /** What needs doing only later, and changes nothing of the tree. */
  #useWait(applier: Applier): void {
    const { record, changes, seen, summary } = this.#parts;
    const bare = seen.flatMap(({ expectation, isBare }) => (isBare ? [expectation.path] : []));
    applier.dressAhead(record.steps, changes, new Set(bare));
    summary.index();
  }

  /** @param copies files, by path, that are to be made durable too. */
  async #sync(copies: readonly string[]): Promise<void> {
    const { store, durability, descriptors, packed, largeFiles } = this.#parts;
    const unpacked = await packed;
    if (unpacked !== undefined) throw unpacked.error;
    if (durability === "none") return;
    for (const path of copies) await syncFile(store.disk, path);
    this.#syncs += copies.length;
    if (largeFiles.size > 0) {
      this.#syncs += 1;
      await syncDirectory(store.disk, largeDirectoryOf(store.state));
    }
    if (durability === "full") {
      await this.#awaitStaged();
      if (await store.disk.syncfs(store.state.root)) {
        this.#syncs += 1;
        return;
      }
      await this.#syncStaged();
    }
    this.#syncs += descriptors.length;
    // All at once: the file system's own journal is written once for all of them.
    await Promise.all(descriptors.map((descriptor) => store.disk.fsync(descriptor)));
  }

  /** One by one what a syncfs does at once: after a crash nobody must see a torn file. */
  async #syncStaged(): Promise<void> {
    const { store, record } = this.#parts;
    const { disk, state } = store;
    for (const step of record.steps) {
      const isStaged = step.kind === "install" || step.kind === "write";
      if (!isStaged || step.node.kind !== "file") continue;
      this.#syncs += 1;
      await syncFile(disk, absoluteOf(state.root, step.staged));
    }
    this.#syncs += 1;
    await syncDirectory(disk, absoluteOf(state.root, record.staging));
  }

  async #awaitStaged(): Promise<void> {
    const failure = await this.#parts.staged;
    if (failure === undefined) return;
    const { purpose, store } = this.#parts;
    throw preparationFailure(failure.error, purpose, store.state.root, failure.path);
  }

  /**
   * After a power cut the time of a staged file tells that it is one. Where staging took longer
   * than the record says, the record is written anew.
   */
  async #renewRecord(): Promise<void> {
    const { store, record, durability, slot } = this.#parts;
    if (record.stagedByMs === undefined || Date.now() <= record.stagedByMs) return;
    if (slot !== undefined) return;
    const descriptor = store.journal.writeNext({ ...record, stagedByMs: Date.now() });
    try {
      if (durability === "none") return;
      this.#syncs += 1;
      await store.disk.fsync(descriptor);
    } finally {
      store.disk.close(descriptor);
    }
  }

  /** The commit point of a small operation, once it is durable. */
  #writeSlot(): void {
    const { store, slot, later } = this.#parts;
    if (slot === undefined) return;
    let { bytes } = slot;
    const { stagedByMs } = this.#record;
    const nowMs = Date.now();
    if (stagedByMs !== undefined) {
      // Everything is staged, or will be soon.
      const spareMs = later === undefined ? 0 : laterStagingMs;
      const leftMs = stagedByMs - nowMs;
      // More is left where the clock has been put back.
      const isRight = leftMs > spareMs / 2 && leftMs <= spareMs;
      if (!isRight) {
        this.#record = { ...this.#record, stagedByMs: nowMs + spareMs };
        bytes = encodeRecord(this.#record);
      }
    }
    this.#slotDescriptor = store.journal.writeSlot(slot.free, bytes, slot.pack);
  }

  /** The commit point. */
  async #decide(): Promise<void> {
    const { store, durability } = this.#parts;
    try {
      if (this.#slotDescriptor !== undefined) {
        this.#syncs += 1;
        await store.disk.fdatasync(this.#slotDescriptor);
        return;
      }
      store.journal.promote();
      if (durability === "none") return;
      this.#syncs += 1;
      await store.journal.syncNames();
    } catch (cause) {
      throw this.#undecided(cause);
    }
  }

  #undecided(cause: unknown): DraftError {
    const { store, purpose } = this.#parts;
    const attempted = `decide the ${purpose.verb} in ${store.state.root}`;
    return failure("DRAFT_OUTCOME_UNKNOWN", attempted, cause, {
      path: store.state.journalCurrent,
      level: "system_failure",
      state:
        "The tree is untouched so far; the next open, or draftfs recover, finishes it if it " +
        "was recorded and drops it if not.",
    });
  }

  /** @throws why, once the record is out of its slot again. Nothing of the tree was touched. */
  async #revoke({ error }: Failure): Promise<never> {
    const { store, slot, record, purpose } = this.#parts;
    const descriptor = this.#slotDescriptor;
    const isInSlot = slot !== undefined && descriptor !== undefined;
    assert(isInSlot, "what can fail while a commit point is waited for is done for a slot");
    try {
      await store.journal.revoke(slot.free, descriptor);
    } catch (cause) {
      throw this.#undecided(cause);
    }
    removeStaging(store.disk, store.state, record.sequence);
    store.journal.dropNext(record.sequence);
    throw preparationFailure(error, purpose, store.state.root);
  }

  async #apply(applier: Applier): Promise<void> {
    const { store, directories, pace, seen } = this.#parts;
    const record = this.#record;
    const names = new KeptNames(store.disk, directories, record.staging, sharedInodesOf(seen));
    const lastLook = new LastLook(directories, seen);
    let index = 0;
    try {
      await pace.unstoppable().each("apply", record.steps, (step, at) => {
        index = at;
        lastLook.check(step);
        names.keep(step, at);
        applier.apply(step);
      });
      names.drop();
    } catch (cause) {
      const step = record.steps[index];
      assert(step !== undefined, "a failed step is one of the record");
      this.#parts.rememberContents();
      this.#stagedObjects.discard();
      const left = await abortOperation(store, record, index, cause);
      const { kept, parted } = left;
      throw failure("DRAFT_COMMIT_FAILED", `${step.kind} ${JSON.stringify(step.path)}`, cause, {
        path: step.path,
        level: "transaction_failure",
        state: `${describeAbort(left)}${this.#parts.purpose.kept}.`,
        details: {
          step: step.kind,
          index,
          ...(kept.length === 0 ? {} : { kept }),
          ...(parted.length === 0 ? {} : { parted }),
        },
      });
    }
  }

  /**
   * The commit is done; that its checkpoint cannot be seen yet does not undo it. The next open
   * publishes it from the journal.
   */
  #publishObjects(): unknown {
    const { store, record, summary } = this.#parts;
    const appliedMs = Date.now();
    try {
      publishObjects(store, record, { summary, staged: this.#stagedObjects });
      store.journal.notes.write("applied", record.sequence, record.bootId, appliedMs);
      return undefined;
    } catch (error) {
      this.#noteUnpublished(appliedMs);
      return error;
    }
  }

  #noteUnpublished(appliedMs: number): void {
    const { store, record } = this.#parts;
    try {
      store.journal.notes.write("unpublished", record.sequence, record.bootId, appliedMs);
    } catch {
      // Then the next open looks at every step, finds it done, and publishes.
    }
  }

  /** What pays the debt; to be called without the lock, which would have to wait. */
  #settlingEarly(): (() => void) | undefined {
    const { store, record, durability, last } = this.#parts;
    if (!store.settlesEarly || durability === "none") return undefined;
    const hasSlots = ensureSlots(store, last.slot !== undefined);
    return () => settleSoon(store, record.sequence, hasSlots);
  }

  #receipt(unpublished: unknown): CommitReceipt {
    const { record, checkpoint, changes, durability, startedMs, warnings } = this.#parts;
    let filesWritten = 0;
    let bytesWritten = 0;
    for (const step of record.steps) {
      if (step.kind !== "install" && step.kind !== "write") continue;
      filesWritten += 1;
      if (step.node.kind === "file") bytesWritten += step.node.size;
    }
    return {
      sequence: record.sequence,
      operation: checkpoint.operation,
      main: checkpoint.main,
      changes,
      durability,
      warnings: [...warnings, ...this.#losses.findings],
      ...(unpublished === undefined ? {} : { unpublished }),
      counts: {
        filesWritten,
        bytesWritten,
        steps: record.steps.length,
        syncs: this.#syncs,
        elapsedMs: performance.now() - startedMs,
      },
    };
  }

  #close(): void {
    const { store, descriptors, directories, replaced } = this.#parts;
    this.#stagedObjects.discard();
    replaced.close();
    for (const descriptor of descriptors) closeQuietly(store.disk, descriptor);
    if (this.#slotDescriptor !== undefined) closeQuietly(store.disk, this.#slotDescriptor);
    directories.forget();
  }
}
