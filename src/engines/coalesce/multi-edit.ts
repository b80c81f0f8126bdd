import { checkOptions, invalid, kindOf } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { type MeasuringOptions, meterFrom } from "../../metrics/meter.ts";
import { applyChanges, inSavepoint } from "../apply-changes.ts";
import { checkEdits, checkOverlay } from "../check-input.ts";
import { FileStates } from "../file-states.ts";
import { sizeOf } from "../operation.ts";
import { type ExplicitSettings, isOptimizing, profileFor } from "../optimizer-settings.ts";
import { multiEditNames } from "../option-names.ts";
import { absolutePathOf, findBytes } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { isFinal } from "../run-batch-or-plain.ts";
import { editPlainly } from "../run-plain.ts";
import type { Edit } from "./edit.ts";
import { editApart, type FailedFileEdits } from "./edit-apart.ts";

/** What `multiEdit` did to one file. */
export interface EditedFile {
  /** Absolute path as it was named. */
  readonly path: string;
  /** Content before, `undefined` when the edits made the file. */
  readonly before: Buffer | undefined;
  readonly after: Buffer;
  /** Places replaced by each edit. */
  readonly replacements: readonly number[];
  /** `false` when the edits cancel each other and nothing had to be written. */
  readonly written: boolean;
}

/** What `multiEdit` did, and what it cost beside editing one by one. */
export interface MultiEditResult {
  readonly files: readonly EditedFile[];
  /** Files that were left out, where the profile of an agent does not ask for all or none. */
  readonly failed: readonly FailedFileEdits[];
  /** Edits that were applied. */
  readonly edits: number;
  /** Files read and written; one by one it would have been `edits` of each. */
  readonly reads: number;
  readonly writes: number;
  readonly bytesWritten: number;
  /** Why the standard path was taken in place of the engine; `undefined` when it was not. */
  readonly fallback: Error | undefined;
}

/** How to edit. */
export interface MultiEditOptions extends MeasuringOptions {
  /** Without `enabled` the standard path is taken. By default the overlay's. */
  readonly settings?: ExplicitSettings;
  /** Told at once when the engine failed and the standard path is tried; the result has it, too. */
  readonly onFallback?: (error: Error) => void;
  /**
   * Called with every file as it is, `undefined` when it is missing, before it is edited; what it
   * throws is thrown, and nothing is edited.
   */
  readonly onRead?: (path: string, before: Buffer | undefined) => void;
}

/** One file, and its edits in order. */
export type EditList = readonly [path: string, edits: readonly Edit[]];

/** Edits by path. */
export type EditsByPath = Readonly<Record<string, readonly Edit[]>>;

/**
 * Applies several edits to one file, or to many, as one read and one write a file. The result is
 * that of the edits in sequence; when one cannot be applied, none is, in any file. Where the engine
 * itself fails, the standard path is tried once.
 *
 * The profile of a reviewer may have it otherwise: a read and a write for each edit, each file by
 * itself, or what was done before a failure left as it is; the error says so then.
 *
 * @throws {DraftError} `DRAFT_EDIT_FAILED` with the path, the index of the failing edit, the number
 *   of matches and the nearest miss in `details`.
 * @example multiEdit(overlay, "src/a.ts", [replaceText("one", "two"), replaceText("x", "y", true)])
 */
export function multiEdit(
  overlay: EngineOverlay,
  path: string,
  edits: readonly Edit[],
  options?: MultiEditOptions,
): MultiEditResult;
export function multiEdit(
  overlay: EngineOverlay,
  editsByPath: EditsByPath,
  options?: MultiEditOptions,
): MultiEditResult;
export function multiEdit(
  overlay: EngineOverlay,
  target: string | EditsByPath,
  second: readonly Edit[] | MultiEditOptions = [],
  third: MultiEditOptions = {},
): MultiEditResult {
  const edits = Array.isArray(second) ? (second as readonly Edit[]) : [];
  const options = Array.isArray(second) ? third : (second as MultiEditOptions);
  checkOverlay("multiEdit", overlay);
  checkOptions("multiEdit", options, multiEditNames);
  if (typeof target !== "string" && (typeof target !== "object" || target === null)) {
    throw invalid(`multiEdit takes a path and its edits, or edits by path, not ${kindOf(target)}.`);
  }
  const lists: readonly EditList[] =
    typeof target === "string" ? [[target, edits]] : Object.entries(target);
  for (const [path, list] of lists) {
    checkEdits(path, list);
    if (list.length === 0) throw emptyList(path);
  }
  const operations = lists.map(([path, list]) => ({ kind: "edit" as const, path, edits: list }));
  const profile = profileFor(overlay, options.settings);
  const isOn = profile.coalescing && isOptimizing(overlay, options.settings);
  const edit = (some: readonly EditList[], how: MultiEditOptions) =>
    isOn ? attempt(overlay, some, how) : editEach(overlay, some, how);
  const [only] = lists.length === 1 ? operations : [];
  const sizeBytes = operations.reduce((sum, one) => sum + sizeOf(one), 0);
  return meterFrom(options).measure(
    { name: "multi_edit", sizeBytes, ...(only === undefined ? {} : { path: only.path }) },
    () => {
      if (profile.atomicity && profile.rollback) return edit(lists, options);
      return editApart(overlay, lists, profile, (list, isRepeated) => {
        const { onRead: _onRead, ...unheard } = options;
        return edit([list], isRepeated ? unheard : options);
      });
    },
    ({ reads, writes, bytesWritten, fallback, edits: done }) => ({
      io: { reads, writes, deletes: 0, moves: 0, bytesWritten },
      optimization: isOn && fallback === undefined ? "coalesce" : "none",
      // A read and a write for each edit, as plain code makes them.
      baselineCalls: 2 * done,
      outcome: fallback === undefined ? "done" : "fell_back",
    }),
  );
}

function attempt(
  overlay: EngineOverlay,
  lists: readonly EditList[],
  options: MultiEditOptions,
): MultiEditResult {
  try {
    return coalesce(overlay, lists, options);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (isFinal(error)) throw error;
    options.onFallback?.(error);
    return editEach(overlay, lists, options, error);
  }
}

function coalesce(
  overlay: EngineOverlay,
  lists: readonly EditList[],
  { onRead }: MultiEditOptions,
): MultiEditResult {
  const states = new FileStates(overlay);
  const edited = lists.map(([named, list]) => {
    const path = absolutePathOf(overlay, named);
    const before = states.read(path);
    onRead?.(path, before);
    const replacements = states.edit(path, list);
    const after = states.read(path) ?? Buffer.alloc(0);
    return { path, before, after, replacements };
  });
  const applied = applyChanges(overlay, states.changes());
  return {
    files: edited.map((file) => ({ ...file, written: isWritten(file.before, file.after) })),
    failed: [],
    edits: lists.reduce((sum, [, list]) => sum + list.length, 0),
    reads: states.reads,
    writes: applied.writes,
    bytesWritten: applied.bytesWritten,
    fallback: undefined,
  };
}

/** The standard path: a read and a write for every single edit, all or none all the same. */
function editEach(
  overlay: EngineOverlay,
  lists: readonly EditList[],
  { onRead }: MultiEditOptions,
  fallback?: Error,
): MultiEditResult {
  let [reads, writes, bytesWritten] = [0, 0, 0];
  const files = inSavepoint(overlay, () =>
    lists.map(([path, edits]): EditedFile => {
      const absolute = absolutePathOf(overlay, path);
      const before = findBytes(overlay, absolute);
      onRead?.(absolute, before);
      const { io, replacements } = editPlainly(overlay, { kind: "edit", path, edits });
      reads += io.reads;
      writes += io.writes;
      bytesWritten += io.bytesWritten;
      const after = overlay.fs.readFileSync(absolute);
      return { path: absolute, before, after, replacements, written: true };
    }),
  );
  const edits = lists.reduce((sum, [, list]) => sum + list.length, 0);
  return { files, failed: [], edits, reads, writes, bytesWritten, fallback };
}

function isWritten(before: Buffer | undefined, after: Buffer): boolean {
  return before === undefined || !before.equals(after);
}

function emptyList(path: string): DraftError {
  return new DraftError("DRAFT_EDIT_FAILED", `Cannot edit ${path}: the list of edits is empty.`, {
    path,
    details: { reason: "no_edits" },
  });
}
