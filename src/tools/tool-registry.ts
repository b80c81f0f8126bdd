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
export interface CallableTool<Output extends object = object> {
  readonly name: string;
  readonly description: string;
  readonly readOnly: boolean;
  /** JSON Schema of the input. */
  readonly inputSchema: Record<string, unknown>;
  /** Checks the input, then runs the tool; see `runTool`. */
  call(context: ToolContext, input: unknown): Promise<Output>;
}

const byName = {
  Read: callable(readTool),
  Write: callable(writeTool),
  Edit: callable(editTool),
  MultiEdit: callable(multiEditTool),
  NotebookEdit: callable(notebookEditTool),
  Move: callable(moveTool),
  Delete: callable(deleteTool),
  MakeDirectory: callable(makeDirectoryTool),
  List: callable(listTool),
  Glob: callable(globTool),
  Grep: callable(grepTool),
};

/** Every agent tool, in a fixed order. */
export const agentTools: readonly CallableTool[] = Object.values(byName);

/** The tool of a name, exactly as agents write it; a known one has a result of its own type. */
export function findTool<Name extends keyof typeof byName>(name: Name): (typeof byName)[Name];
export function findTool(name: string): CallableTool | undefined;
export function findTool(name: string): CallableTool | undefined {
  return agentTools.find((tool) => tool.name === name);
}

function callable<Input, Output extends object>(tool: Tool<Input, Output>): CallableTool<Output> {
  return {
    name: tool.name,
    description: tool.description,
    readOnly: tool.readOnly,
    inputSchema: inputSchemaOf(tool),
    call: (context, input) => runTool(tool, context, input),
  };
}
