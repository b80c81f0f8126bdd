import { effectiveConfig, originText } from "../../config/effective-config.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHistory } from "../open-root.ts";
import { printable } from "../terminal.ts";

/** `draftfs config`: the configuration in force, and where each value comes from. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  return withHistory(context, options, async ({ root }) => {
    const { out } = context;
    const { files, lines } = effectiveConfig({ root });
    if (options.json === true) {
      out.json({ files, keys: lines });
      return exitCodes.ok;
    }
    const width = Math.max(...lines.map(({ key }) => key.length));
    for (const { key, shown, origin } of lines) {
      const source = origin.kind === "default" ? "" : `  (${originText(origin)})`;
      out.write(`${key.padEnd(width)}  ${printable(shown + source)}\n`);
    }
    if (files.length === 0) {
      out.write(
        "There is no configuration file: all values are defaults, and commits are checked\n",
      );
      out.write("at the level normal, not strict.\n");
    }
    return exitCodes.ok;
  });
}
