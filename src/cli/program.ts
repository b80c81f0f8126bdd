import { createRequire } from "node:module";
import { Command, Option } from "commander";
import { suggestName } from "../suggest-name.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { draftCommands } from "./next-step.ts";
import { addDrafting, addRunning } from "./program-drafts.ts";
import { addHistory, addPlans } from "./program-history.ts";
import type { Add, Executing } from "./program-parts.ts";

const examples = `
Examples:
  draftfs run -- npm run format      run it; nothing on disk changes
  draftfs status                     what is pending, file by file
  draftfs diff | less                as a patch that git apply accepts
  draftfs commit -m "format"         all of it or none, with a checkpoint
  draftfs undo                       put it back
  draftfs discard                    throw the draft away

Exit codes: 0 done or nothing pending, 1 failed, 2 changes pending (status, diff, plan) or
differences (compare, drift), 3 conflict, 4 not enough isolation, 5 locked, 6 damaged state,
64 usage, 70 a mistake in draftfs; run passes the command's own code through.
`;

/** What becomes known while a command line is parsed and executed. */
export interface ProgramEvents {
  /** A command was found; whether it prints a document. */
  readonly started: (isJson: boolean) => void;
  /** It was executed. */
  readonly done: (exitCode: number) => void;
}

/**
 * The commands and their options. Nothing but the parser is loaded here: a command's module is
 * imported when it is executed, so that `--help` costs little more than starting Node.
 */
export function programOf(context: CommandContext, events: ProgramEvents): Command {
  const program = new Command("draftfs")
    .description(
      "Run anything over a copy-on-write draft of a directory; look at the diff; commit all or " +
        "nothing; undo.",
    )
    .version(versionOfPackage(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .enablePositionalOptions()
    .showHelpAfterError("(draftfs --help tells more)")
    .addHelpText("after", examples)
    .exitOverride()
    .configureOutput({ getErrHasColors: () => false, getOutHasColors: () => false });
  addCommonOptions(program, true);

  const add: Add = (usage, description) => {
    const command = program.command(usage).description(description);
    return command.showHelpAfterError(`(draftfs ${command.name()} --help tells more)`);
  };

  const executing: Executing =
    (load, positional = []) =>
    async (...received) => {
      const own = received[positional.length] as CommonOptions;
      const command = received[positional.length + 1] as Command;
      const options = { ...program.opts<CommonOptions>(), ...own };
      if (options.draft !== undefined && !draftCommands.has(command.name())) {
        command.error(`error: ${command.name()} works on no draft, --draft means nothing to it`);
      }
      const named = positional.map((name, index) => [name, received[index]]);
      events.started(options.json === true);
      const { execute } = await load();
      events.done(await execute(context, { ...options, ...Object.fromEntries(named) } as never));
    };

  addRunning(add, executing);
  addDrafting(add, executing);
  addHistory(add, executing);
  addPlans(add, executing);
  for (const command of program.commands) {
    // Last, so that help begins with what is a command's own.
    command.optionsGroup("Of every command:");
    addCommonOptions(command, draftCommands.has(command.name()));
    command.addHelpOption(new Option("-h, --help", "print help"));
  }
  addHelp(program);
  return program;
}

/** Unlike the parser's own it says of a name that it is no command. */
function addHelp(program: Command): void {
  program
    .command("help [command]")
    .description("print help of a command")
    .action((name: string | undefined) => {
      if (name === undefined) program.help();
      const found = program.commands.find((command) => command.name() === name);
      if (found !== undefined) found.help();
      const names = program.commands.map((command) => command.name());
      const meant = suggestName(name, names);
      const hint = meant === undefined ? "" : `\n(Did you mean ${meant}?)`;
      program.error(`error: unknown command '${name}'${hint}`);
    });
}

/** They are taken before the command as well as behind it. */
function addCommonOptions(command: Command, hasDraft: boolean): Command {
  command.option("-C, --directory <directory>", "the root (default: the nearest one at or above)");
  if (hasDraft) command.option("--draft <name>", "name of the draft (default: main)");
  return command
    .option("--json", "print one JSON document on standard output")
    .option("--force", "allow as root: /, the home directory, one inside another root")
    .option("--trust-owner", "being root: go by drafts and history of another user");
}

function versionOfPackage(): string {
  const manifest = createRequire(import.meta.url)("draftfs/package.json") as { version: string };
  return manifest.version;
}
