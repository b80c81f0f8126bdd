import { DraftError } from "../errors.ts";
import { applyChanges } from "./apply-changes.ts";
import type { Edit } from "./edit.ts";
import { FileStates } from "./file-states.ts";
import { absolutePathOf } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";

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
  readonly edits: number;
  /** Files read and written; one by one it would have been `edits` of each. */
  readonly reads: number;
  readonly writes: number;
  readonly bytesWritten: number;
}

/** Edits by path. */
export type EditsByPath = Readonly<Record<string, readonly Edit[]>>;

/**
 * Applies several edits to one file, or to many, as one read and one write a file. The result is
 * that of the edits in sequence; when one cannot be applied, none is, in any file.
 *
 * @throws {DraftError} `DRAFT_EDIT_FAILED` with the path, the index of the failing edit, the number
 *   of matches and the nearest miss in `details`.
 * @example multiEdit(overlay, "src/a.ts", [replaceText("one", "two"), replaceText("x", "y", true)])
 */
export function multiEdit(
  overlay: EngineOverlay,
  path: string,
  edits: readonly Edit[],
): MultiEditResult;
export function multiEdit(overlay: EngineOverlay, editsByPath: EditsByPath): MultiEditResult;
export function multiEdit(
  overlay: EngineOverlay,
  target: string | EditsByPath,
  edits: readonly Edit[] = [],
): MultiEditResult {
  const lists = typeof target === "string" ? [[target, edits] as const] : Object.entries(target);
  const states = new FileStates(overlay);
  const edited = lists.map(([path, list]) => {
    if (list.length === 0) {
      throw new DraftError(
        "DRAFT_EDIT_FAILED",
        `Cannot edit ${path}: the list of edits is empty.`,
        {
          path,
          details: { reason: "no_edits" },
        },
      );
    }
    const before = states.read(path);
    const replacements = states.edit(path, list);
    const after = states.read(path) ?? Buffer.alloc(0);
    return { path: absolutePathOf(overlay, path), before, after, replacements };
  });
  const applied = applyChanges(overlay, states.changes());
  return {
    files: edited.map((file) => ({ ...file, written: isWritten(file.before, file.after) })),
    edits: lists.reduce((sum, [, list]) => sum + list.length, 0),
    reads: states.reads,
    writes: applied.writes,
    bytesWritten: applied.bytesWritten,
  };
}

function isWritten(before: Buffer | undefined, after: Buffer): boolean {
  return before === undefined || !before.equals(after);
}
