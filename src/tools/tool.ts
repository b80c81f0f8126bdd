import { z } from "zod";
import type { EngineOverlay } from "../engines/overlay-port.ts";
import { DraftError } from "../errors.ts";
import { noIo } from "../metrics/measurement.ts";
import type { Meter, OperationReport } from "../metrics/meter.ts";
import type { ToolMetrics } from "./file-result.ts";
import type { ReadLedger } from "./read-ledger.ts";

/** What a tool works on. Tools keep nothing between calls: all that lasts is in here. */
export interface ToolContext {
  readonly overlay: EngineOverlay;
  /**
   * What the caller has read. With a ledger, changing an existing file asks for having read it;
   * without one, that rule is off.
   */
  readonly reads?: ReadLedger;
  /** Measures every call; of searches, which run in turns, only that they were begun. */
  readonly meter?: Meter;
  /** Stops the tools that walk the tree. */
  readonly signal?: AbortSignal;
}

/** One tool: its name, its rules and its work. */
export interface Tool<Input = unknown, Output extends object = object> {
  /** As agents call it. */
  readonly name: string;
  readonly description: string;
  /** Unknown parameters are refused. */
  readonly input: z.ZodType<Input>;
  /** Whether it leaves the overlay as it is. */
  readonly readOnly: boolean;
  run(context: ToolContext, input: Input): Output | Promise<Output>;
}

/**
 * Checks the input of a tool and runs it.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for input that breaks the schema or a rule of the tool,
 *   `DRAFT_EDIT_FAILED` for an edit that does not apply; Node's errors from the file system.
 */
export async function runTool<Input, Output extends object>(
  tool: Tool<Input, Output>,
  context: ToolContext,
  input: unknown,
): Promise<Output> {
  const parsed = tool.input.safeParse(input);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({
      parameter: issue.path.join("."),
      message: issue.message,
    }));
    const shown = issues.map(({ parameter, message }) =>
      parameter === "" ? message : `${parameter}: ${message}`,
    );
    throw new DraftError("DRAFT_TOOL_INPUT", `Cannot run ${tool.name}: ${shown.join("; ")}.`, {
      details: { tool: tool.name, issues },
    });
  }
  const run = () => tool.run(context, parsed.data);
  if (context.meter?.isActive !== true) return await run();
  const sizeBytes = Buffer.byteLength(JSON.stringify(parsed.data) ?? "");
  return await context.meter.measure({ name: tool.name, sizeBytes }, run, reportOf);
}

/** What a tool's result says that it took; nothing for tools that tell no metrics. */
function reportOf(result: object): OperationReport {
  const metrics = "metrics" in result ? (result.metrics as ToolMetrics) : undefined;
  if (metrics === undefined) return { io: noIo, optimization: "none", baselineCalls: 0 };
  const { reads, writes, bytesWritten, savedReads, savedWrites, optimization } = metrics;
  return {
    io: { ...noIo, reads, writes, bytesWritten },
    optimization,
    baselineCalls: reads + writes + savedReads + savedWrites,
  };
}

/** The JSON Schema (draft 2020-12) of a tool's input, made from its zod schema. */
export function inputSchemaOf(tool: { readonly input: z.ZodType }): Record<string, unknown> {
  return { ...z.toJSONSchema(tool.input, { io: "input" }) };
}
