import { createRequire } from "node:module";
import { Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext, Execute } from "./command-context.ts";
import { addSandboxOptions } from "./sandbox-options.ts";

const examples = `
Examples:
  draftfs run -- npm run format      run it; nothing on disk changes
  draftfs status                     what is pending, file by file
  draftfs diff | less                as a patch that git apply accepts
  draftfs commit -m "format"         all of it or none, with a checkpoint
  draftfs undo                       put it back
  draftfs discard                    throw the draft away

Exit codes: 0 done or nothing pending, 2 changes pending (status, diff, plan), 3 conflict, 4 not
enough isolation, 5 locked, 6 damaged state, 64 usage; run passes the command's own code through.
`;

/**
 * The commands and their options. Nothing but the parser is loaded here: a command's module is
 * imported when it is executed, so that `--help` costs little more than starting Node.
 *
 * @param done - receives the exit code of the command that was executed.
 */
export function programOf(context: CommandContext, done: (exitCode: number) => void): Command {
  const program = new Command("draftfs")
    .description(
      "Run anything over a copy-on-write draft of a directory; look at the diff; commit all or\n" +
        "nothing; undo.",
    )
    .version(versionOfPackage(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .enablePositionalOptions()
    .showHelpAfterError("(draftfs --help tells more)")
    .addHelpText("after", examples)
    .exitOverride()
    .configureOutput({ getErrHasColors: () => false, getOutHasColors: () => false });

  const add = (usage: string, description: string): Command =>
    program
      .command(usage)
      .description(description)
      .option("-C, --directory <directory>", "the root to work on (default: working directory)")
      .option("--draft <name>", "name of the draft (default: main)")
      .option("--json", "print one JSON document on standard output")
      .option("--force", "allow / and the home directory as root");

  const executing =
    <Options>(
      load: () => Promise<{ execute: Execute<Options> }>,
      positional: readonly string[] = [],
    ) =>
    async (...received: unknown[]): Promise<void> => {
      const options = received[positional.length] as object;
      const named = positional.map((name, index) => [name, received[index]]);
      const { execute } = await load();
      done(await execute(context, { ...options, ...Object.fromEntries(named) } as Options));
    };

  addRunning(add, executing);
  addDrafting(add, executing);
  addHistory(add, executing);
  addPlans(add, executing);
  return program;
}

/** How much a commit looks at what it writes; see `docs/configuration.md`. */
function checksOption(): Option {
  return new Option("--checks <level>", "what a commit checks of new content").choices([
    "strict",
    "normal",
    "minimal",
  ]);
}

type Add = (usage: string, description: string) => Command;
type Executing = <Options>(
  load: () => Promise<{ execute: Execute<Options> }>,
  positional?: readonly string[],
) => (...received: unknown[]) => Promise<void>;

function addRunning(add: Add, executing: Executing): void {
  const running = (usage: string, description: string): Command =>
    add(usage, description)
      .passThroughOptions()
      .option("--record <file>", "write what is pending afterwards to a trace; see replay")
      .addOption(
        new Option("--record-content <how>", "content in the trace: itself, or its hash").choices([
          "inline",
          "hash",
        ]),
      );
  const runs = running("run <command...>", "run a command; its writes land in the draft")
    .addOption(new Option("--commit", "commit when it succeeds").conflicts(["discard", "keep"]))
    .addOption(new Option("--discard", "put the draft back to before it").conflicts("keep"))
    .option("--keep", "keep the draft without asking (default off a terminal)")
    .option("-m, --message <text>", "message of the checkpoint, with --commit")
    .addOption(checksOption())
    .action(executing(() => import("./commands/run.ts"), ["command"]));
  const trying = running("try <command...>", "run a command, show the diff, ask what to do")
    .option("-m, --message <text>", "message of the checkpoint")
    .addOption(checksOption())
    .action(executing(() => import("./commands/try.ts"), ["command"]));
  for (const command of [runs, trying]) addSandboxOptions(command);
  add("replay <file>", "run a trace again under each strategy; show time, calls and decisions")
    .addOption(
      new Option("--strategy <name...>", "only these strategies").choices(["plain", "optimized"]),
    )
    .option("--in <directory>", "where to do it (default: the system's temporary directory)")
    .action(executing(() => import("./commands/replay.ts"), ["file"]));
  add("config", "the configuration in force, and where each value comes from").action(
    executing(() => import("./commands/config.ts")),
  );
  add("doctor", "what isolation this system offers, and what would improve it").action(
    executing(() => import("./commands/doctor.ts")),
  );
}

function addDrafting(add: Add, executing: Executing): void {
  add("status", "what is pending, file by file; exit code 2 when something is").action(
    executing(() => import("./commands/status.ts")),
  );
  add("diff [paths...]", "what is pending, as a patch; exit code 2 when something is")
    .option("--stat", "lines added and removed for each file, instead of the patch")
    .option("--by-command", "a section for each command that made it")
    .action(executing(() => import("./commands/diff.ts"), ["paths"]));
  add("commit [paths...]", "apply what is pending, all of it or none, and record a checkpoint")
    .option("-m, --message <text>", "message of the checkpoint")
    .addOption(checksOption())
    .option("--include <pattern...>", "only paths that match")
    .option("--exclude <pattern...>", "no paths that match; they stay pending")
    .addOption(
      new Option("--merge", "merge texts that the disk has changed meanwhile").conflicts(
        "overwrite",
      ),
    )
    .option("--overwrite", "go on where the disk has moved on; the checkpoint keeps what is lost")
    .addOption(
      new Option("--durability <level>", "what survives a power cut").choices([
        "durable",
        "full",
        "none",
      ]),
    )
    .action(executing(() => import("./commands/commit.ts"), ["paths"]));
  add("discard", "throw the draft away").action(executing(() => import("./commands/discard.ts")));
  add("drafts", "list the drafts of a root").action(
    executing(() => import("./commands/drafts.ts")),
  );
}

function addHistory(add: Add, executing: Executing): void {
  add("log", "the checkpoints, newest first")
    .option("-n, --limit <count>", "at most so many", wholeNumber)
    .action(executing(() => import("./commands/log.ts")));
  add("show [checkpoint]", "what a checkpoint changed (default: the newest)")
    .option("-p, --patch", "as a patch")
    .action(executing(() => import("./commands/show.ts"), ["checkpoint"]));
  add("compare <from> <to>", "what differs between two checkpoints, as a patch").action(
    executing(() => import("./commands/compare.ts"), ["from", "to"]),
  );
  add("drift", "recorded paths that were changed since the last checkpoint").action(
    executing(() => import("./commands/drift.ts")),
  );
  const takingBack = (usage: string, description: string): Command =>
    add(usage, description)
      .option("--dry-run", "only show what would happen")
      .option(
        "--overwrite",
        "go on where the disk has moved on; the checkpoint keeps what is lost",
      );
  takingBack("undo [what]", "undo the last operation, the last few, or one by name").action(
    executing(() => import("./commands/undo.ts"), ["what"]),
  );
  takingBack("redo", "bring back what the last undo took back").action(
    executing(() => import("./commands/redo.ts")),
  );
  takingBack(
    "restore <checkpoint> [paths...]",
    "recorded paths as they were at a checkpoint",
  ).action(executing(() => import("./commands/restore.ts"), ["checkpoint", "paths"]));
  add("recover", "finish or undo an interrupted commit; every other command does it too").action(
    executing(() => import("./commands/recover.ts")),
  );
  add("verify", "check every byte of the checkpoints")
    .option("--repair", "first build indexes and refs again from what is sound")
    .action(executing(() => import("./commands/verify.ts")));
  add("gc", "drop old checkpoints and repack")
    .option("--keep <count>", "checkpoints to keep", wholeNumber)
    .action(executing(() => import("./commands/gc.ts")));
}

function addPlans(add: Add, executing: Executing): void {
  add("plan [paths...]", "save what is pending to a file, to be applied elsewhere or later")
    .requiredOption("-o, --output <file>", "the file to write; - for standard output")
    .action(executing(() => import("./commands/plan.ts"), ["paths"]));
  add("apply <file>", "apply a saved plan; refused when the disk has moved on")
    .option("-m, --message <text>", "message of the checkpoint")
    .action(executing(() => import("./commands/apply.ts"), ["file"]));
}

/** @throws {InvalidArgumentError} shown as a usage error. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a whole number from 1.");
}

function versionOfPackage(): string {
  const manifest = createRequire(import.meta.url)("../../package.json") as { version: string };
  return manifest.version;
}
