import { checkFunction, checkOptions } from "../../check-options.ts";
import { checkOperation, checkOverlay, contentBytesOf } from "../check-input.ts";
import type { Edit } from "../coalesce/edit.ts";
import type { Operation } from "../operation.ts";
import { batchNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import {
  type ExplicitBatchOptions,
  type ExplicitBatchResult,
  runBatchOrPlain,
} from "../run-batch-or-plain.ts";
import type { Template } from "../template/template.ts";
import { renderFiles, type TemplateFile } from "../template/template-files.ts";

/** Gathers the operations of a batch. Nothing happens before the batch runs. */
export class BatchBuilder {
  readonly operations: Operation[] = [];

  /**
   * Writes a whole file, making its parents. Strings are written as UTF-8.
   *
   * @throws {DraftError} `DRAFT_EDIT_FAILED` for a string with half a surrogate pair.
   */
  write(path: string, content: string | Uint8Array): this {
    return this.#add({ kind: "write", path, bytes: contentBytesOf(path, content) });
  }

  /** Edits a file; see `Edit` for the three kinds. */
  edit(path: string, ...edits: readonly Edit[]): this {
    return this.#add({ kind: "edit", path, edits });
  }

  /** Deletes a file, or a link itself. */
  remove(path: string): this {
    return this.#add({ kind: "delete", path });
  }

  /** Deletes a directory with all that is in it. */
  removeTree(path: string): this {
    return this.#add({ kind: "delete_tree", path });
  }

  /** Renames a file or directory. */
  move(path: string, target: string): this {
    return this.#add({ kind: "move", path, target });
  }

  /** Makes a directory and its parents. */
  makeDirectory(path: string): this {
    return this.#add({ kind: "make_directory", path });
  }

  /** Writes one file for each row of data. */
  template(template: Template, files: readonly TemplateFile[]): this {
    this.operations.push(...renderFiles(template, files));
    return this;
  }

  #add(operation: Operation): this {
    checkOperation(operation);
    this.operations.push(operation);
    return this;
  }
}

/**
 * Runs what `build` asks for as one batch.
 *
 * @example
 * const result = await batch(overlay, (b) => {
 *   b.write("src/a.ts", "export const a = 1;\n");
 *   b.edit("src/b.ts", replaceText("old", "new"));
 * });
 * @returns `applied`, `rolled_back` (atomic, the default), `partial_recovery` (not atomic) or
 *   `stopped` (not to be taken back).
 */
export async function batch(
  overlay: EngineOverlay,
  build: (builder: BatchBuilder) => unknown,
  options: ExplicitBatchOptions = {},
): Promise<ExplicitBatchResult> {
  checkOverlay("batch", overlay);
  checkFunction("batch", build, "is given the batch and fills it");
  checkOptions("batch", options, batchNames);
  const builder = new BatchBuilder();
  await build(builder);
  return runBatchOrPlain(overlay, builder.operations, options);
}
