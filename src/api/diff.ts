import { checkOptions } from "../check-options.ts";
import type { Change, ChangeSet } from "../commit/change-set/change-set.ts";
import type { ChangeSetJson } from "../commit/change-set/change-set-json.ts";
import { changeSetToJson } from "../commit/change-set/change-set-to-json.ts";
import type { ContentIndex } from "../commit/change-set/content-index.ts";
import { type LineCounts, lineCountsOf } from "../commit/patch/line-counts.ts";
import { type OnCount, patchOf } from "../commit/patch/patch.ts";
import type { Lower } from "../disk/lower/lower.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { DraftCommand } from "../drafts/draft-command.ts";
import type { ChangeTraceOptions } from "../engines/trace/trace-changes.ts";

/**
 * What is pending: a value, which later changes of the overlay do not alter. The old side of a
 * patch is read from the disk when it is asked for.
 */
export class Diff {
  readonly changeSet: ChangeSet;
  readonly #lower: Lower;
  readonly #contents: ContentIndex;

  /** @internal Made by `overlay.diff()`. */
  constructor(changeSet: ChangeSet, lower: Lower, contents: ContentIndex) {
    this.changeSet = changeSet;
    this.#lower = lower;
    this.#contents = contents;
  }

  /** The changes, sorted by path, parents first. */
  get changes(): readonly Change[] {
    return this.changeSet.changes;
  }

  /**
   * A patch that `git apply` accepts. Bytes, because texts keep whatever encoding they have;
   * `toString()` gives a string.
   *
   * @param options.onProgress told of every file before its turn.
   */
  toPatch(options: { readonly onProgress?: OnCount } = {}): Buffer {
    checkOptions("toPatch", options, { onProgress: true });
    const { onProgress } = options;
    const told = onProgress === undefined ? {} : { onProgress };
    return patchOf(this.changeSet, this.#lower, { contents: this.#contents, ...told });
  }

  /** Canonical plain data, described by `docs/change-set.schema.json`; content by its blob id. */
  toJSON(): ChangeSetJson {
    return changeSetToJson(this.changeSet);
  }

  /** Lines added and removed, by path; what has no lines is left out. */
  lineCounts(): ReadonlyMap<TreePath, LineCounts> {
    return lineCountsOf(this.changeSet, this.#lower, this.#contents);
  }

  /**
   * What is pending as a trace, which `draftfs replay` runs again under several strategies; see
   * `docs/engines.md`. What lies in the way of an operation, or moves, is read from the disk.
   */
  async toTrace(options: ChangeTraceOptions = {}): Promise<string> {
    // The engines are a large part of what there is to load, and only needed here.
    const { traceOfChanges } = await import("../engines/trace/trace-changes.ts");
    return traceOfChanges(this.changeSet, this.#lower, options);
  }
}

/** What one command made of what is pending. */
export interface CommandDiff {
  /** `undefined` for what was changed through `overlay.fs`. */
  readonly command: DraftCommand | undefined;
  readonly diff: Diff;
}
