/** The agent tools, as `draftfs/tools`: named exports only. */
export { ReadLedger } from "./read-ledger.ts";
export { runTool, type Tool, type ToolContext } from "./tool.ts";
export { agentTools, type CallableTool, findTool } from "./tool-registry.ts";
