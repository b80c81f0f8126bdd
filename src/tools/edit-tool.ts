import { z } from "zod";
import { DraftError } from "../errors.ts";
import { editFiles } from "./edit-files.ts";
import type { ContentChange, ToolMetrics } from "./file-result.ts";
import type { Tool } from "./tool.ts";

const input = z.strictObject({
  file_path: z.string().min(1).describe("Absolute path of the file to change"),
  old_string: z.string().describe("The text to replace; empty to create a file"),
  new_string: z.string().describe("The text to put in its place; must differ from old_string"),
  replace_all: z
    .boolean()
    .default(false)
    .optional()
    .describe("Replace every occurrence of old_string"),
});

export type EditInput = z.infer<typeof input>;

export interface EditOutput extends ContentChange {
  readonly filePath: string;
  readonly oldString: string;
  readonly newString: string;
  readonly replaceAll: boolean;
  /** Always `false`: nobody changes an edit between its proposal and the overlay. */
  readonly userModified: false;
  readonly staged: true;
  readonly warnings: readonly string[];
  readonly metrics: ToolMetrics;
}

/** Replaces one text of a file, or all occurrences of it. */
export const editTool: Tool<EditInput, EditOutput> = {
  name: "Edit",
  description:
    "Replaces a text in a file. The text has to occur exactly once, unless replace_all is set. " +
    "The file has to be read first. An empty old_string creates a file.",
  input,
  readOnly: false,
  run(context, edit) {
    const { file_path, ...agentEdit } = edit;
    const result = editFiles(context, [{ file_path, edits: [agentEdit] }]);
    const file = result.files[0];
    if (file === undefined) throw new DraftError("DRAFT_BUG", "BUG: an edit without a file.");
    return {
      filePath: file.filePath,
      oldString: edit.old_string,
      newString: edit.new_string,
      replaceAll: edit.replace_all ?? false,
      originalFile: file.originalFile,
      structuredPatch: file.structuredPatch,
      userModified: false,
      staged: true,
      warnings: result.warnings,
      metrics: result.metrics,
    };
  },
};
