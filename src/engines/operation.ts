import type { Edit } from "./coalesce/edit.ts";

/** One thing to do to a tree. Paths are absolute, or relative to the overlay's root. */
export type Operation =
  | WriteOperation
  | EditOperation
  | DeleteOperation
  | DeleteTreeOperation
  | MoveOperation
  | MakeDirectoryOperation;

/** Replaces a file's content, or makes the file and the parents it lacks. */
export interface WriteOperation {
  readonly kind: "write";
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Applies edits in order, all or none. */
export interface EditOperation {
  readonly kind: "edit";
  readonly path: string;
  readonly edits: readonly Edit[];
}

/** Deletes a file, or a link itself. */
export interface DeleteOperation {
  readonly kind: "delete";
  readonly path: string;
}

/** Deletes whatever lies at the path with all that is in it. */
export interface DeleteTreeOperation {
  readonly kind: "delete_tree";
  readonly path: string;
}

/** Renames a file or directory, replacing a file at the target, and makes the parents it lacks. */
export interface MoveOperation {
  readonly kind: "move";
  readonly path: string;
  readonly target: string;
}

/** Makes a directory and the parents it lacks; nothing where it exists. */
export interface MakeDirectoryOperation {
  readonly kind: "make_directory";
  readonly path: string;
}

/** Operations that one file's state can take in, so that several of a file become one. */
export type FileOperation = WriteOperation | EditOperation | DeleteOperation;

/** Whether an operation concerns one file only; the others are done in their place. */
export function isFileOperation(operation: Operation): operation is FileOperation {
  return operation.kind === "write" || operation.kind === "edit" || operation.kind === "delete";
}

/** Bytes that an operation brings along. */
export function sizeOf(operation: Operation): number {
  switch (operation.kind) {
    case "write":
      return operation.bytes.length;
    case "edit":
      return operation.edits.reduce((sum, edit) => {
        return sum + (edit.kind === "bytes" ? edit.bytes.length : textOf(edit).length);
      }, 0);
    case "delete":
    case "delete_tree":
    case "move":
    case "make_directory":
      return 0;
  }
}

function textOf(edit: Exclude<Edit, { kind: "bytes" }>): string {
  return edit.kind === "string" ? edit.newText : edit.text;
}
