import { z } from "zod";
import { DraftError } from "../errors.ts";
import { type AgentFileEdits, type EditFilesOutput, editFiles } from "./edit-files.ts";
import type { Tool } from "./tool.ts";

const edit = z.strictObject({
  old_string: z.string().describe("The text to replace; empty in the first edit of a new file"),
  new_string: z.string().describe("The text to put in its place; must differ from old_string"),
  replace_all: z.boolean().default(false).optional().describe("Replace every occurrence"),
});
const edits = z.array(edit).min(1).describe("Applied in order, each on the result of the last");

const input = z.strictObject({
  file_path: z.string().min(1).optional().describe("Absolute path of the one file to change"),
  edits: edits.optional(),
  file_edits: z
    .array(z.strictObject({ file_path: z.string().min(1), edits }))
    .min(1)
    .optional()
    .describe("Edits of several files, instead of file_path and edits"),
});

export type MultiEditInput = z.infer<typeof input>;

export interface MultiEditOutput extends EditFilesOutput {
  readonly totalEdits: number;
  readonly staged: true;
}

/** Several edits of one file or of many, all or none. */
export const multiEditTool: Tool<MultiEditInput, MultiEditOutput> = {
  name: "MultiEdit",
  description:
    "Makes several edits in one file (file_path and edits), or in many (file_edits). All of " +
    "them are applied, or none in any file; each file is read and written once.",
  input,
  readOnly: false,
  run(context, request) {
    const lists = listsOf(request);
    const result = editFiles(context, lists);
    const totalEdits = lists.reduce((sum, list) => sum + list.edits.length, 0);
    return { ...result, totalEdits, staged: true };
  },
};

function listsOf({ file_path, edits: list, file_edits }: MultiEditInput): AgentFileEdits[] {
  const single = file_path !== undefined && list !== undefined;
  if (single && file_edits === undefined) return [{ file_path, edits: list }];
  if (file_edits !== undefined && file_path === undefined && list === undefined) return file_edits;
  throw new DraftError(
    "DRAFT_TOOL_INPUT",
    "Cannot run MultiEdit: give either file_path and edits, or file_edits.",
  );
}
