import { z } from "zod";
import { checkOptions, type NamesOf } from "../check-options.ts";
import { checkOverlay } from "../engines/check-input.ts";
import type { ExplicitSettings } from "../engines/optimizer-settings.ts";
import { settingsNames } from "../engines/option-names.ts";
import { absolutePathOf } from "../engines/overlay-path.ts";
import type { EngineOverlay } from "../engines/overlay-port.ts";
import { untilIdle } from "../engines/stream/until-idle.ts";
import { DraftError } from "../errors.ts";
import { noIo } from "../metrics/measurement.ts";
import type { Meter, OperationReport } from "../metrics/meter.ts";
import type { ToolMetrics } from "./file-result.ts";
import type { ReadLedger } from "./read-ledger.ts";

/** What a tool works on. Tools keep nothing between calls that counts: all that does is in here. */
export interface ToolContext {
  readonly overlay: EngineOverlay;
  /**
   * What the caller has read. With a ledger, changing an existing file asks for having read it;
   * without one, that rule is off.
   */
  readonly reads?: ReadLedger;
  /** Measures every call, to its end. */
  readonly meter?: Meter;
  /**
   * Without `enabled` nothing is optimised; `profile` is that of the agent that calls. By default
   * the overlay's; `optimizerSettingsOf(values, agent)` makes them.
   */
  readonly settings?: ExplicitSettings;
  /** Stops the tools that walk the tree, and refuses to begin any. */
  readonly signal?: AbortSignal;
  /** @internal What one measured call has read so far. */
  readonly tally?: CallTally;
}

/** A misspelt `reads` would turn off a rule without a word. */
const contextNames = {
  overlay: true,
  reads: true,
  meter: true,
  settings: settingsNames,
  signal: true,
  tally: true,
} satisfies NamesOf<ToolContext>;

/** Whole-file reads of a call that changes nothing, and the bytes of them. */
export interface CallTally {
  reads: number;
  bytes: number;
}

/** Takes note of a file that a call has read. */
export function countRead({ tally }: ToolContext, bytes: number): void {
  if (tally === undefined) return;
  tally.reads += 1;
  tally.bytes += bytes;
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
  checkOptions(`The context of ${tool.name}`, context, contextNames);
  checkOverlay(tool.name, context?.overlay);
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
  await untilIdle(context.overlay);
  if (context.signal?.aborted === true) throw aborted(tool.name, context.signal);
  if (context.meter?.isActive !== true) return await tool.run(context, parsed.data);
  const tally: CallTally = { reads: 0, bytes: 0 };
  const run = async () => tool.run({ ...context, tally }, parsed.data);
  const subject = subjectOf(context, tool.name, parsed.data);
  const reportOf = (output: Output) => reportOfCall(output, tally);
  return await context.meter.measure(subject, run, reportOf, () => reportOfCall({}, tally));
}

/** The error of a call that its caller has given up. */
export function aborted(name: string, signal: AbortSignal): DraftError {
  const message = `${name} was stopped by its caller. Call it again when ready.`;
  return new DraftError("DRAFT_ABORTED", message, { cause: signal.reason });
}

type Subject = Parameters<Meter["measure"]>[0];

/** What a call is about: its file, where it names one, and the content that it hands over. */
function subjectOf(context: ToolContext, name: string, input: unknown): Subject {
  const named = new Map<string, unknown>(Object.entries(input ?? {}));
  const list = named.get("file_edits");
  const only = Array.isArray(list) && list.length === 1 ? list[0].file_path : undefined;
  const path = ["file_path", "notebook_path", "path", "source"]
    .map((parameter) => named.get(parameter))
    .find((value) => value !== undefined);
  const shown = path ?? only;
  const sizeBytes = contentBytesOf(input);
  if (typeof shown !== "string") return { name, sizeBytes };
  return { name, path: absolutePathOf(context.overlay, shown), sizeBytes };
}

const contentParameters: ReadonlySet<string> = new Set(["content", "new_string", "new_source"]);

function contentBytesOf(input: unknown): number {
  if (typeof input !== "object" || input === null) return 0;
  return Object.entries(input).reduce((sum, [name, value]) => {
    if (typeof value !== "string") return sum + contentBytesOf(value);
    return contentParameters.has(name) ? sum + Buffer.byteLength(value) : sum;
  }, 0);
}

/** What a call took: as its metrics say, or, for one that only looks, as it was counted. */
function reportOfCall(output: object, tally: CallTally): OperationReport {
  const metrics = "metrics" in output ? (output.metrics as ToolMetrics) : undefined;
  if (metrics === undefined) {
    const read = tally.reads === 0 ? {} : { sizeBytes: tally.bytes };
    const io = { ...noIo, reads: tally.reads };
    return { io, optimization: "none", baselineCalls: tally.reads, ...read };
  }
  const { reads, writes, deletes, moves, bytesWritten, savedReads, savedWrites } = metrics;
  return {
    io: { reads, writes, deletes, moves, bytesWritten },
    optimization: metrics.optimization,
    baselineCalls: reads + writes + deletes + moves + savedReads + savedWrites,
  };
}

/** The JSON Schema (draft 2020-12) of a tool's input, made from its zod schema. */
export function inputSchemaOf(tool: { readonly input: z.ZodType }): Record<string, unknown> {
  return { ...z.toJSONSchema(tool.input, { io: "input" }) };
}
