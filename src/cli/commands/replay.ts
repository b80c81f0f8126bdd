import { statSync } from "node:fs";
import { resolve } from "node:path";
import { effectiveConfig } from "../../config/effective-config.ts";
import { readPlainFile } from "../../disk/plain-file.ts";
import {
  optimizerSettingsOf,
  parseTrace,
  type ReplayStrategy,
  replayTable,
  replayTrace,
} from "../../engines/index.ts";
import { openReplayTarget } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { rootOf } from "../root-of.ts";
import { printable } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

interface ReplayOptions extends CommonOptions {
  /** The trace file; `-` for standard input. */
  readonly file: string;
  readonly strategy?: readonly ReplayStrategy[];
  /** Where the trees are made. */
  readonly in?: string;
}

/** `draftfs replay`: a recorded trace under each strategy, in a tree of its own, side by side. */
export async function execute(context: CommandContext, options: ReplayOptions): Promise<number> {
  const { out } = context;
  const { file, strategy } = options;
  const trace = parseTrace(readTrace(file));
  const { values } = effectiveConfig({ root: resolve(rootOf(context, options)) });
  const place = options.in === undefined ? {} : { directory: directoryNamed(options.in) };
  const { skipped } = trace;
  const rows = await replayTrace(trace, {
    open: (_strategy, base) => openReplayTarget(base, place),
    settings: optimizerSettingsOf(values),
    ...(strategy === undefined ? {} : { strategies: [...new Set(strategy)] }),
  });
  if (options.json === true) {
    out.json({ trace: file, strategies: rows, skipped });
    return exitCodes.ok;
  }
  out.write(replayTable(rows));
  if (trace.commits.length === 0)
    context.err.write(`The trace ${printable(file)} holds no operations.\n`);
  if (skipped.length > 0) {
    const few = skipped.slice(0, 5).map(printable).join(", ");
    const more = skipped.length > 5 ? `, and ${skipped.length - 5} more` : "";
    context.err.write(`The trace does not hold: ${few}${more}.\n`);
  }
  return exitCodes.ok;
}

function directoryNamed(place: string): string {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() === true) return place;
  throw new UsageError(`Cannot replay in ${place}: there is no such directory.`);
}

function readTrace(file: string): string {
  try {
    return readPlainFile(file).toString("utf8");
  } catch (error) {
    throw new UsageError(`Cannot read the trace ${file}: ${(error as Error).message}`);
  }
}
