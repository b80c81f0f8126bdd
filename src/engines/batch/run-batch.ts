import { checkOptions } from "../../check-options.ts";
import { DraftError, isDraftError } from "../../errors.ts";
import { batchFilesMax } from "../../limits.ts";
import type { IoCounts } from "../../metrics/measurement.ts";
import { type AppliedChanges, applyChange, inSavepoint } from "../apply-changes.ts";
import type { BatchFacts, BatchResult, FailedOperation } from "../batch-result.ts";
import { checkOperation, checkOverlay } from "../check-input.ts";
import { type FileChange, FileStates } from "../file-states.ts";
import type { KnownNodes } from "../known-nodes.ts";
import { type FileOperation, isFileOperation, type Operation } from "../operation.ts";
import { runBatchNames } from "../option-names.ts";
import { absolutePathOf, NestedPaths } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { runPlain } from "../run-plain.ts";
import { orderByDependencies } from "./dependency-order.ts";

/** How to run a batch. */
export interface BatchOptions {
  /** All or none (the default), or as many as can be done. */
  readonly atomic?: boolean;
  /** Files applied between two looks at `signal`; from 1, default `max_batch_size`, else 50. */
  readonly maxBatchSize?: number;
  /** Stops the batch between two groups of files, which takes everything back. */
  readonly signal?: AbortSignal;
  /** Called after every group with the files done so far. */
  readonly onProgress?: (files: number) => void;
  /** The standard path: each operation by itself and in order, nothing of a file put together. */
  readonly oneByOne?: boolean;
  /**
   * An atomic batch that fails stops there, and what it has done stays. Its operations are done one
   * by one, so that there is a before and an after. Without it everything is taken back.
   */
  readonly keepDone?: boolean;
}

/** What a pipeline adds. */
export interface PipelinedBatchOptions extends BatchOptions {
  /** What was seen of the files right before, with nothing changed since. */
  readonly nodes?: KnownNodes;
}

interface Progress {
  readonly order: string[];
  readonly cycles: string[][];
  readonly failed: FailedOperation[];
  groups: number;
  reads: number;
  writes: number;
  deletes: number;
  moves: number;
  bytesWritten: number;
  vanished: number;
  groupError: Error | undefined;
}

interface Run {
  readonly overlay: EngineOverlay;
  readonly operations: readonly Operation[];
  readonly atomic: boolean;
  readonly keepsDone: boolean;
  readonly maxBatchSize: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((files: number) => void) | undefined;
  readonly progress: Progress;
  /** Holds until the batch changes something. */
  nodes: KnownNodes | undefined;
}

/** Thrown within a run to take an atomic batch back; never leaves this file. */
class BatchFailure extends Error {
  readonly failed: readonly FailedOperation[];

  constructor(failed: readonly FailedOperation[]) {
    super("the batch failed");
    this.failed = failed;
  }
}

/**
 * Runs operations as one batch: those on one file become one change, files go in the order of
 * their dependencies, moves and directories keep their place between them.
 *
 * Failures are in the result and not thrown, save for mistakes of ours.
 *
 * @throws {DraftError} `DRAFT_ABORTED` on the signal, `DRAFT_TOOL_INPUT` for a `maxBatchSize` that
 *   is no size; nothing was changed.
 */
export function runBatch(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  options: PipelinedBatchOptions = {},
): BatchResult {
  checkOverlay("runBatch", overlay);
  checkOptions("runBatch", options, runBatchNames);
  for (const operation of operations) checkOperation(operation);
  const run: Run = {
    overlay,
    operations,
    atomic: options.atomic ?? true,
    keepsDone: options.keepDone ?? false,
    maxBatchSize: options.maxBatchSize ?? overlay.optimizer?.batchFilesMax ?? batchFilesMax,
    signal: options.signal,
    onProgress: options.onProgress,
    progress: emptyProgress(),
    nodes: options.nodes,
  };
  checkBatchSize(run.maxBatchSize);
  const facts = () => factsOf(run);
  try {
    return inSavepoint(overlay, () => {
      if (options.oneByOne === true || run.keepsDone) {
        const stopped = runOneByOne(run);
        if (stopped !== undefined) return { ...facts(), ...stopped };
      } else runSegments(run);
      const { failed } = run.progress;
      if (failed.length === 0) return { ...facts(), outcome: "applied" as const };
      if (run.atomic) throw new BatchFailure(failed);
      return { outcome: "partial_recovery" as const, ...retryAlone(run), ...facts() };
    });
  } catch (error) {
    if (!(error instanceof BatchFailure)) throw error;
    const nothing = factsOf({ ...run, progress: emptyProgress() });
    return { ...nothing, outcome: "rolled_back", ...failureOf(error) };
  }
}

/** Runs of file operations, parted by the operations that need everything before them done. */
function runSegments(run: Run): void {
  let start = 0;
  let paths = new NestedPaths();
  for (const [index, operation] of run.operations.entries()) {
    if (isFileOperation(operation)) {
      const path = absolutePathOf(run.overlay, operation.path);
      if (paths.nests(path)) {
        runFiles(run, start, index);
        start = index;
        paths = new NestedPaths();
      }
      paths.add(path);
      continue;
    }
    runFiles(run, start, index);
    paths = new NestedPaths();
    stopIfAborted(run);
    run.nodes = undefined;
    attempt(run, [index], () => {
      add(run.progress, runPlain(run.overlay, operation));
    });
    start = index + 1;
  }
  runFiles(run, start, run.operations.length);
}

/** @returns where an atomic batch stopped that keeps what it has done. */
function runOneByOne(run: Run): (Failure & { readonly outcome: "stopped" }) | undefined {
  const isTakenBackWhole = run.atomic && !run.keepsDone;
  for (const [index, operation] of run.operations.entries()) {
    if (index % run.maxBatchSize === 0) stopIfAborted(run);
    try {
      attempt(run, [index], () => {
        const once = () => runPlain(run.overlay, operation);
        // An atomic batch is taken back whole; any other keeps what comes before and after.
        add(run.progress, isTakenBackWhole ? once() : inSavepoint(run.overlay, once));
      });
    } catch (error) {
      if (isTakenBackWhole || !(error instanceof BatchFailure)) throw error;
      return { outcome: "stopped", ...failureOf(error) };
    }
  }
  return undefined;
}

type Failure = Pick<Extract<BatchResult, { outcome: "stopped" }>, "failed" | "error">;

function failureOf(failure: BatchFailure): Failure {
  return { failed: failure.failed, error: failure.failed[0]?.error ?? failure };
}

function runFiles(run: Run, start: number, end: number): void {
  let states = new FileStates(run.overlay, run.nodes);
  let byPath = new Map<string, number[]>();
  for (let index = start; index < end; index++) {
    const operation = run.operations[index];
    if (operation === undefined || !isFileOperation(operation)) continue;
    attempt(run, [index], () => {
      try {
        const key = gather(states, operation);
        const others = byPath.get(key);
        if (others === undefined) byPath.set(key, [index]);
        else others.push(index);
      } catch (error) {
        if (!isDraftError(error) || error.code !== "DRAFT_UNSUPPORTED") throw error;
        // Links that cannot be gathered with what waits: that is done first, then this alone.
        applyStates(run, states, byPath);
        states = new FileStates(run.overlay);
        byPath = new Map();
        add(run.progress, runPlain(run.overlay, operation));
      }
    });
  }
  applyStates(run, states, byPath);
}

function applyStates(
  run: Run,
  states: FileStates,
  byPath: ReadonlyMap<string, readonly number[]>,
): void {
  const changes = orderChanges(run, states.changes());
  run.nodes = undefined;
  run.progress.reads += states.reads;
  for (let at = 0; at < changes.length; at += run.maxBatchSize) {
    stopIfAborted(run);
    applyGroup(run, changes.slice(at, at + run.maxBatchSize), byPath);
    run.onProgress?.(run.progress.order.length);
  }
}

/**
 * Applies changes that were gathered elsewhere as an atomic batch: in the order of their
 * dependencies, in groups.
 *
 * @throws what a change throws, `DRAFT_ABORTED` on the signal; nothing was changed then.
 */
export function runChanges(
  overlay: EngineOverlay,
  changes: readonly FileChange[],
  options: Pick<BatchOptions, "maxBatchSize" | "signal" | "onProgress"> = {},
): IoCounts {
  const run: Run = {
    overlay,
    operations: [],
    atomic: true,
    keepsDone: false,
    maxBatchSize: options.maxBatchSize ?? overlay.optimizer?.batchFilesMax ?? batchFilesMax,
    signal: options.signal,
    onProgress: options.onProgress,
    progress: emptyProgress(),
    nodes: undefined,
  };
  checkBatchSize(run.maxBatchSize);
  const ordered = orderChanges(run, changes);
  return inSavepoint(overlay, () => {
    for (const [index, change] of ordered.entries()) {
      if (index % run.maxBatchSize === 0) stopIfAborted(run);
      note(run.progress, change, applyChange(overlay, change));
      const isEndOfGroup = (index + 1) % run.maxBatchSize === 0 || index + 1 === ordered.length;
      if (isEndOfGroup) run.onProgress?.(index + 1);
    }
    return run.progress;
  });
}

/** Takes an operation in; returns the path that its change will have. */
function gather(states: FileStates, operation: FileOperation): string {
  switch (operation.kind) {
    case "write":
      return states.write(operation.path, operation.bytes);
    case "edit":
      states.edit(operation.path, operation.edits);
      return states.pathOf(operation.path);
    case "delete":
      return states.remove(operation.path);
  }
}

/** What vanishes is counted and left out; deletions come last. */
function orderChanges(run: Run, changes: readonly FileChange[]): FileChange[] {
  const writes = changes.filter((change) => change.kind === "write");
  const deletes = changes.filter((change) => change.kind === "delete");
  const vanished = changes.filter((change) => change.kind === "nothing");
  run.progress.vanished += vanished.length;
  const { order, cycles } = orderByDependencies(writes);
  const pathAt = (index: number) => writes[index]?.path ?? "";
  run.progress.cycles.push(...cycles.map((cycle) => cycle.map(pathAt)));
  return [...order.flatMap((index) => writes[index] ?? []), ...vanished, ...deletes];
}

function applyGroup(
  run: Run,
  changes: readonly FileChange[],
  byPath: ReadonlyMap<string, readonly number[]>,
): void {
  const { overlay, progress } = run;
  progress.groups += 1;
  try {
    const applied = inSavepoint(overlay, () =>
      changes.map((change) => applyChange(overlay, change)),
    );
    for (const [index, change] of changes.entries()) note(progress, change, applied[index]);
  } catch (error) {
    const failedBefore = progress.failed.length;
    // Something in the group failed and all of it was taken back: now one by one.
    for (const change of changes) {
      attempt(run, byPath.get(change.path) ?? [], () => {
        note(
          progress,
          change,
          inSavepoint(overlay, () => applyChange(overlay, change)),
        );
      });
    }
    if (progress.failed.length === failedBefore) progress.groupError ??= asError(error);
  }
}

function note(progress: Progress, change: FileChange, applied: AppliedChanges | undefined): void {
  if (change.kind !== "nothing") progress.order.push(change.path);
  progress.writes += applied?.writes ?? 0;
  progress.deletes += applied?.deletes ?? 0;
  progress.bytesWritten += applied?.bytesWritten ?? 0;
}

function add(progress: Progress, io: IoCounts): void {
  progress.reads += io.reads;
  progress.writes += io.writes;
  progress.deletes += io.deletes;
  progress.moves += io.moves;
  progress.bytesWritten += io.bytesWritten;
}

/** Tries every failed operation once more, alone and in order: what it lacked may be there now. */
function retryAlone(run: Run): {
  readonly recovered: readonly number[];
  readonly failed: readonly FailedOperation[];
} {
  const recovered: number[] = [];
  const failed: FailedOperation[] = [];
  const first = [...run.progress.failed].sort((a, b) => a.index - b.index);
  for (const { index, operation } of first) {
    try {
      add(
        run.progress,
        inSavepoint(run.overlay, () => runPlain(run.overlay, operation)),
      );
      recovered.push(index);
    } catch (error) {
      failed.push({ index, operation, error: asError(error) });
    }
  }
  return { recovered, failed };
}

/** Does work for some operations; a failure is theirs. An atomic batch stops at the first. */
function attempt(run: Run, indexes: readonly number[], work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_ABORTED") throw error;
    const failed = indexes.flatMap((index) => {
      const operation = run.operations[index];
      return operation === undefined ? [] : [{ index, operation, error: asError(error) }];
    });
    run.progress.failed.push(...failed);
    if (run.atomic) throw new BatchFailure(run.progress.failed);
  }
}

/**
 * Checks the size of a group: in groups of 0 files nothing would ever be done.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT`
 */
export function checkBatchSize(files: number): void {
  const isWhole = Number.isInteger(files) || files === Number.POSITIVE_INFINITY;
  if (isWhole && files >= 1) return;
  throw new DraftError(
    "DRAFT_TOOL_INPUT",
    `Cannot work in groups of ${files} files. Give a whole number of at least 1.`,
  );
}

function stopIfAborted(run: Run): void {
  if (!run.signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", "The batch was stopped; nothing was changed.", {
    cause: run.signal.reason,
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function emptyProgress(): Progress {
  const counts = { groups: 0, reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };
  return { ...counts, groupError: undefined, vanished: 0, order: [], cycles: [], failed: [] };
}

function factsOf(run: Run): BatchFacts {
  const { failed: _failed, ...progress } = run.progress;
  return { operations: run.operations.length, ...progress };
}
