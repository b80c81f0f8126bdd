import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { printable } from "../terminal.ts";
import { bytesText, countText } from "../view/quantities.ts";
import { withProgress } from "../with-progress.ts";

interface VerifyOptions extends CommonOptions {
  /** Builds what can be derived again before checking. */
  readonly repair?: boolean;
}

/** `draftfs verify`: checks every byte of the checkpoint store. */
export function execute(context: CommandContext, options: VerifyOptions): Promise<number> {
  return withHistory(context, options, async (overlay, { out }) => {
    if (options.repair === true) await overlay.repair();
    const report = await withProgress(context, (watch) => overlay.verify(watch), "verify");
    const { isSound, problems, operations, objects, bytes } = report;
    if (options.json === true) {
      out.json(report);
    } else {
      const what = `${countText(operations, "checkpoint")}, ${countText(objects, "object")}`;
      out.write(`${what}, ${bytesText(bytes)}: ${isSound ? "sound" : "damaged"}.\n`);
      for (const { kind, name, message, isRepairable } of problems) {
        const repair = isRepairable ? " (draftfs verify --repair puts it right)" : "";
        out.write(`  ${out.paint("red", kind)} ${printable(name)}: ${message}${repair}\n`);
      }
    }
    return isSound ? exitCodes.ok : exitCodes.failed;
  });
}
