import { checkOptions } from "../../check-options.ts";
import { DraftError, reasonOf } from "../../errors.ts";
import { checkOverlay, checkRows } from "../check-input.ts";
import type { WriteOperation } from "../operation.ts";
import { batchNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import {
  type ExplicitBatchOptions,
  type ExplicitBatchResult,
  runBatchOrPlain,
} from "../run-batch-or-plain.ts";
import { encodeText } from "../text-encoding.ts";
import { compileTemplate, type Template, type TemplateData } from "./template.ts";

/** One file to make from a template. */
export interface TemplateFile {
  readonly path: string;
  readonly data: TemplateData;
}

/**
 * The writes that make files from a template.
 *
 * @throws {DraftError} `DRAFT_TEMPLATE` when a row does not fit; its path is in the error.
 */
export function renderFiles(template: Template, files: readonly TemplateFile[]): WriteOperation[] {
  checkRows(files);
  const render = compileTemplate(template);
  return files.map(({ path, data }) => {
    try {
      return { kind: "write", path, bytes: encodeText(render(data), "utf-8") };
    } catch (error) {
      const message = reasonOf(error);
      throw new DraftError("DRAFT_TEMPLATE", `${path}: ${message}`, { path, cause: error });
    }
  });
}

/** Makes one file for each row of data, as one batch. */
export function batchFromTemplate(
  overlay: EngineOverlay,
  template: Template,
  files: readonly TemplateFile[],
  options: ExplicitBatchOptions = {},
): ExplicitBatchResult {
  checkOverlay("batchFromTemplate", overlay);
  checkOptions("batchFromTemplate", options, batchNames);
  return runBatchOrPlain(overlay, renderFiles(template, files), options);
}
