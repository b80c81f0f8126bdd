import { deleteTool } from "./delete-tool.ts";
import { editTool } from "./edit-tool.ts";
import { globTool } from "./glob-tool.ts";
import { grepTool } from "./grep-tool.ts";
import { listTool } from "./list-tool.ts";
import { makeDirectoryTool } from "./make-directory-tool.ts";
import { moveTool } from "./move-tool.ts";
import { multiEditTool } from "./multi-edit-tool.ts";
import { notebookEditTool } from "./notebook-edit-tool.ts";
import { readTool } from "./read-tool.ts";
import { inputSchemaOf, runTool, type Tool, type ToolContext } from "./tool.ts";
import { writeTool } from "./write-tool.ts";

/** A tool for callers that learn its input at run time, such as a server. */
export interface CallableTool {
  readonly name: string;
  readonly description: string;
  readonly readOnly: boolean;
  /** JSON Schema of the input. */
  readonly inputSchema: Record<string, unknown>;
  /** Checks the input, then runs the tool; see `runTool`. */
  call(context: ToolContext, input: unknown): Promise<object>;
}

/** Every agent tool, in a fixed order. */
export const agentTools: readonly CallableTool[] = [
  callable(readTool),
  callable(writeTool),
  callable(editTool),
  callable(multiEditTool),
  callable(notebookEditTool),
  callable(moveTool),
  callable(deleteTool),
  callable(makeDirectoryTool),
  callable(listTool),
  callable(globTool),
  callable(grepTool),
];

/** The tool of a name, exactly as agents write it. */
export function findTool(name: string): CallableTool | undefined {
  return agentTools.find((tool) => tool.name === name);
}

function callable<Input, Output extends object>(tool: Tool<Input, Output>): CallableTool {
  return {
    name: tool.name,
    description: tool.description,
    readOnly: tool.readOnly,
    inputSchema: inputSchemaOf(tool),
    call: (context, input) => runTool(tool, context, input),
  };
}
