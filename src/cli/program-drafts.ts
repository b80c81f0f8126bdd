import { type Command, Option } from "commander";
import { type Add, checksOption, type Executing, portNumber } from "./program-parts.ts";
import { addSandboxOptions } from "./sandbox-options.ts";

/** The commands that run something, and those about the system. */
export function addRunning(add: Add, executing: Executing): void {
  const running = (usage: string, description: string): Command =>
    add(usage, description).passThroughOptions();
  const recording = (command: Command): Command =>
    command
      .option("--record <file>", "write what is pending afterwards to a trace; see replay")
      .addOption(
        new Option("--record-content <how>", "content in the trace: itself, or its hash").choices([
          "inline",
          "hash",
        ]),
      );
  const runs = running("run <command...>", "run a command; its writes land in the draft")
    .addOption(
      new Option("--commit", "commit all that is pending when it succeeds").conflicts([
        "discard",
        "keep",
      ]),
    )
    .addOption(new Option("--discard", "put the draft back to before it").conflicts("keep"))
    .option("--keep", "keep the draft without asking (default off a terminal)")
    .addOption(
      new Option("-m, --message <text>", "message of the checkpoint").conflicts([
        "discard",
        "keep",
      ]),
    )
    .addOption(checksOption().conflicts(["discard", "keep"]))
    .action(executing(() => import("./commands/run.ts"), ["command"]));
  const trying = running("try <command...>", "run a command, show the diff, ask what to do")
    .option("-m, --message <text>", "message of the checkpoint")
    .addOption(checksOption())
    .action(executing(() => import("./commands/try.ts"), ["command"]));
  for (const command of [runs, trying]) addSandboxOptions(recording(command));
  add("replay <file>", "run a trace again under each strategy; show time, calls and decisions")
    .addOption(
      new Option("--strategy <name...>", "only these strategies").choices(["plain", "optimized"]),
    )
    .option("--in <directory>", "where to do it (default: the system's temporary directory)")
    .action(executing(() => import("./commands/replay.ts"), ["file"]));
  add("config", "the configuration in force, and where each value comes from").action(
    executing(() => import("./commands/config.ts")),
  );
  add("dashboard", "figures and alerts of a root in a browser, until Ctrl-C")
    .option("--port <number>", "where to listen, 0 for any that is free", portNumber, 0)
    .option("--host <address>", "where to listen: an address of this machine", "127.0.0.1")
    .action(executing(() => import("./commands/dashboard.ts")));
  add("doctor", "what isolation this system offers, and what would improve it").action(
    executing(() => import("./commands/doctor.ts")),
  );
}

/** The commands about what is pending. */
export function addDrafting(add: Add, executing: Executing): void {
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
  add("discard", "throw the draft away; on a terminal it shows what that is, and asks")
    .option("-y, --yes", "do not ask")
    .action(executing(() => import("./commands/discard.ts")));
  add("drafts", "list the drafts of a root").action(
    executing(() => import("./commands/drafts.ts")),
  );
}
