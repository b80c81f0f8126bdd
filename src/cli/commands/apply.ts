import { readPlainFile } from "../../disk/plain-file.ts";
import type { Overlay } from "../../index.ts";
import { collectLater } from "../collect-later.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { progressLine } from "../progress.ts";
import { receiptDocument, receiptText } from "../receipt-view.ts";
import { UsageError } from "../usage-error.ts";

interface ApplyOptions extends CommonOptions {
  /** The plan file; `-` for standard input. */
  readonly file: string;
  readonly message?: string;
}

/** `draftfs apply`: carries out a plan file, all of it or none, unless the disk has moved on. */
export function execute(context: CommandContext, options: ApplyOptions): Promise<number> {
  const { out } = context;
  const plan = readPlan(options.file);
  const apply = async (overlay: Overlay): Promise<number> => {
    const progress = progressLine(context.err);
    const message = options.message === undefined ? {} : { message: options.message };
    try {
      const receipt = await overlay.applyPlan(plan, { ...message, onProgress: progress.update });
      progress.clear();
      collectLater(overlay);
      if (options.json === true) out.json({ applied: receiptDocument(receipt) });
      else out.write(`${receiptText(receipt)}\nPut it back with draftfs undo.\n`);
      return exitCodes.ok;
    } finally {
      progress.clear();
    }
  };
  return withHistory(context, options, apply, {});
}

function readPlan(file: string): unknown {
  const bytes = readFile(file);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new UsageError(`${file} is not a plan: it holds no JSON. Make one with draftfs plan -o.`);
  }
}

function readFile(file: string): Buffer {
  try {
    return readPlainFile(file);
  } catch (error) {
    throw new UsageError(`Cannot read the plan ${file}: ${(error as Error).message}`);
  }
}
