import { type IoCounts, noIo } from "../metrics/measurement.ts";
import { makeParents, writeWithParents } from "./apply-changes.ts";
import { applyEdit } from "./coalesce/apply-edit.ts";
import { editError } from "./coalesce/edit-failure.ts";
import { PieceList } from "./coalesce/piece-list.ts";
import type { EditOperation, Operation } from "./operation.ts";
import { absolutePathOf, findBytes, shownPathOf } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";

/**
 * The standard path: does one operation with the calls that plain code makes, a read and a write
 * for every single edit. What the engines do has to leave the very same tree.
 */
export function runPlain(overlay: EngineOverlay, operation: Operation): IoCounts {
  const path = absolutePathOf(overlay, operation.path);
  const { fs } = overlay;
  switch (operation.kind) {
    case "write": {
      const { bytes } = operation;
      writeWithParents(overlay, path, bytes);
      return { reads: 0, writes: 1, deletes: 0, moves: 0, bytesWritten: bytes.length };
    }
    case "edit":
      return editPlainly(overlay, operation).io;
    case "delete":
      fs.unlinkSync(path);
      return { ...noIo, deletes: 1 };
    case "delete_tree":
      fs.rmSync(path, { recursive: true });
      return { ...noIo, deletes: 1 };
    case "move": {
      const target = absolutePathOf(overlay, operation.target);
      makeParents(overlay, target);
      fs.renameSync(path, target);
      return { ...noIo, moves: 1 };
    }
    case "make_directory":
      fs.mkdirSync(path, { recursive: true });
      return { ...noIo, writes: 1 };
  }
}

/** What editing a file plainly took. */
export interface PlainEdit {
  readonly io: IoCounts;
  /** Places replaced by each edit. */
  readonly replacements: readonly number[];
}

/** Edits a file with a read and a write for every single edit; stops at the first that fails. */
export function editPlainly(overlay: EngineOverlay, operation: EditOperation): PlainEdit {
  const { edits } = operation;
  const path = absolutePathOf(overlay, operation.path);
  const shown = shownPathOf(overlay, path);
  let bytesWritten = 0;
  const replacements = edits.map((edit, index) => {
    const before = findBytes(overlay, path);
    const creates = index === 0 && edit.kind === "string" && edit.oldText === "";
    if (before === undefined && !creates) {
      const message = "there is no such file. Check the path, or create it with an empty old text.";
      throw editError(shown, index, edits.length, { reason: "missing_file", message });
    }
    const content = new PieceList(before ?? new Uint8Array(0));
    const outcome = applyEdit(content, edit);
    if (outcome.kind === "failed") throw editError(shown, index, edits.length, outcome.failure);
    writeWithParents(overlay, path, content.toBytes());
    bytesWritten += content.size;
    return outcome.replacements;
  });
  const io = { reads: edits.length, writes: edits.length, deletes: 0, moves: 0, bytesWritten };
  return { io, replacements };
}

/** Calls that {@link runPlain} makes for an operation, without running it. */
export function plainCallsOf(operation: Operation): number {
  return operation.kind === "edit" ? operation.edits.length * 2 : 1;
}
