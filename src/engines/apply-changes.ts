import { dirname } from "node:path";
import type { FileChange } from "./file-states.ts";
import { codeOf, findTarget } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";

/** What applying changes cost and did. */
export interface AppliedChanges {
  /** Files written, each by one call. */
  readonly writes: number;
  readonly deletes: number;
  readonly bytesWritten: number;
}

/** Applies one change to the overlay, making the parents of a new file. */
export function applyChange(overlay: EngineOverlay, change: FileChange): AppliedChanges {
  switch (change.kind) {
    case "nothing":
      // A file that came and went leaves the directories that it was made in.
      if (change.because === "cancelled") makeParents(overlay, change.path);
      return { writes: 0, deletes: 0, bytesWritten: 0 };
    case "delete":
      overlay.fs.unlinkSync(change.path);
      return { writes: 0, deletes: 1, bytesWritten: 0 };
    case "write": {
      if (change.isNewFile) overlay.fs.unlinkSync(change.path);
      writeWithParents(overlay, change.path, change.bytes);
      return { writes: 1, deletes: 0, bytesWritten: change.bytes.length };
    }
  }
}

/** Applies all changes, or none: a failure takes the overlay back to where it was. */
export function applyChanges(
  overlay: EngineOverlay,
  changes: readonly FileChange[],
): AppliedChanges {
  const parts = inSavepoint(overlay, () => changes.map((change) => applyChange(overlay, change)));
  return {
    writes: parts.reduce((sum, part) => sum + part.writes, 0),
    deletes: parts.reduce((sum, part) => sum + part.deletes, 0),
    bytesWritten: parts.reduce((sum, part) => sum + part.bytesWritten, 0),
  };
}

/** Runs `work`; when it throws, everything it did to the overlay is taken back. */
export function inSavepoint<T>(overlay: EngineOverlay, work: () => T): T {
  const savepoint = overlay.savepoint();
  let result: T;
  try {
    result = work();
  } catch (error) {
    overlay.rollback(savepoint);
    throw error;
  }
  overlay.release(savepoint);
  return result;
}

/**
 * Writes a file, and makes its parents only when that has failed for want of them: they are there
 * nearly always, and to look first would be a call for every file.
 */
export function writeWithParents(overlay: EngineOverlay, path: string, bytes: Uint8Array): void {
  withParents(overlay, path, () => overlay.fs.writeFileSync(path, bytes));
}

/** Calls `write`, and once more with the parents of the path made if it fails for want of them. */
export function withParents<T>(overlay: EngineOverlay, path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    makeParents(overlay, path);
    return write();
  }
}

/** Makes the directories above a path where they are missing. */
export function makeParents(overlay: EngineOverlay, path: string): void {
  const parent = dirname(path);
  if (findTarget(overlay, parent) === undefined) overlay.fs.mkdirSync(parent, { recursive: true });
}
