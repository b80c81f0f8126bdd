import { readPlainFile } from "../../disk/plain-file.ts";
import { collectLater } from "../collect-later.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { nextStep } from "../next-step.ts";
import { type Use, withHistory } from "../open-root.ts";
import { UsageError } from "../usage-error.ts";
import { receiptDocument, receiptText } from "../view/receipt-view.ts";
import { withProgress } from "../with-progress.ts";

interface ApplyOptions extends CommonOptions {
  /** The plan file; `-` for standard input. */
  readonly file: string;
  readonly message?: string;
}

/** `draftfs apply`: carries out a plan file, all of it or none, unless the disk has moved on. */
export function execute(context: CommandContext, options: ApplyOptions): Promise<number> {
  const plan = readPlan(options.file);
  const apply: Use<number> = async (overlay, { out }) => {
    const message = options.message === undefined ? {} : { message: options.message };
    const receipt = await withProgress(context, (watch) =>
      overlay.applyPlan(plan, { ...message, ...watch }),
    );
    collectLater(overlay);
    if (options.json === true) out.json({ applied: receiptDocument(receipt) });
    else out.write(`${receiptText(receipt)}\nPut it back with ${nextStep(["undo"], options)}.\n`);
    return exitCodes.ok;
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
