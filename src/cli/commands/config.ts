import { effectiveConfig, idleLinesOf, originText } from "../../config/effective-config.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Use, withHistory } from "../open-root.ts";
import { printable } from "../terminal.ts";

/** `draftfs config`: the configuration in force, and where each value comes from. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  const show: Use<number> = async ({ root }, { out, err }) => {
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
    for (const { key, shown, origin } of idleLinesOf(lines)) {
      const place = printable(`${originText(origin)}: ${key} is ${shown}`);
      err.write(`${place}, but nothing acts on it yet.\n`);
    }
    if (files.length === 0) {
      out.write("There is no configuration file: all values are defaults. Commits are checked\n");
      out.write("at the level normal, as long as no file sets a key about checks.\n");
    }
    return exitCodes.ok;
  };
  return withHistory(context, options, show, {});
}
