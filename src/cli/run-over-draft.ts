import process from "node:process";
import { writePlainFile } from "../disk/plain-file.ts";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { isDraftError } from "../errors.ts";
import type { Overlay, RunResult } from "../index.ts";
import { homeNoteStart } from "../sandbox/sandbox-error.ts";
import { forCommandLine } from "../ways.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { HeldSignals } from "./held-signals.ts";
import { hiddenArguments, hiddenPrograms } from "./hidden-arguments.ts";
import { draftNameOf } from "./open-root.ts";
import { baseOf } from "./root-of.ts";
import { runOptionsOf, type SandboxOptions } from "./sandbox-options.ts";
import { printable } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface RunRequest extends SandboxOptions, CommonOptions {
  readonly command: readonly string[];
  /** The trace file to write. */
  readonly record?: string;
  readonly recordContent?: "inline" | "hash";
}

/** A command that has ended, with the draft saved. */
export interface SavedRun {
  readonly result: RunResult;
  /** The signal that came when the command had ended already: nothing more is to be done. */
  readonly interruptedBy: NodeJS.Signals | undefined;
  /** Nobody is to be asked: the process was told to end, not only the command. */
  readonly isEndWanted: boolean;
}

/**
 * Runs a command over the draft with this process's own streams, and saves the draft when it has
 * ended: whatever happens next, what the command did is kept. Signals wait until it is saved.
 */
export async function runOverDraft(
  context: CommandContext,
  overlay: Overlay,
  request: RunRequest,
): Promise<SavedRun> {
  if (request.recordContent !== undefined && request.record === undefined) {
    throw new UsageError(
      "--record-content says how to write a trace: name its file with --record.",
    );
  }
  const [program = "", ...args] = request.command;
  if (program === "") throw new UsageError("A command is a program's name or path, not nothing.");
  const sinceMs = Date.now();
  // From before the start: the command may tell others to signal us sooner than we can forward it.
  using signals = new HeldSignals();
  const spawned = await overlay.spawn(program, args, {
    // A document on standard output must be alone there.
    stdio: request.json === true ? ["inherit", process.stderr, "inherit"] : "inherit",
    forwardSignals: true,
    ...directoryOf(overlay, request),
    ...runOptionsOf(request),
  });
  if (signals.last !== undefined) spawned.kill(signals.last);
  // A Ctrl-C that ended the command may be heard of in the same turn as its end.
  spawned.child.once("exit", () => setImmediate(() => signals.commandEnded()));
  const result = await spawned.result;
  await save(overlay, program, request);
  await record(overlay, request, sinceMs);
  if (request.json !== true) {
    explainEnd(context, program, result);
    explainHidden(context, overlay, request, result);
    explainRename(context, request, result);
  }
  return { result, interruptedBy: signals.late, isEndWanted: signals.isEndWanted };
}

/** The one error after which the work of a command is gone: it says so, and what to do. */
async function save(overlay: Overlay, program: string, request: RunRequest): Promise<void> {
  try {
    await overlay.saveDraft();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || isDraftError(error)) throw error;
    const draft = draftNameOf(request);
    const path = `${overlay.root}/${stateDirectoryName}`;
    throw Object.assign(
      new Error(
        `Cannot save the draft ${draft} in ${path}: ${message}. What ${printable(program)} did ` +
          "is lost; the draft is as it was before, and nothing on disk has changed. Make room " +
          "there, or the directory writable, and run it again.",
        { cause: error },
      ),
      { code, path },
    );
  }
}

/** A command runs where we are, when that lies below a root that was found above. */
function directoryOf({ root, fs }: Overlay, request: RunRequest): { readonly cwd?: string } {
  const cwd = baseOf(root, request);
  if (cwd === root) return {};
  if (fs.statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return { cwd };
  throw new UsageError(
    `Cannot run in ${cwd}: in the draft it is no directory any more. Go to another one, or name ` +
      `the root with -C ${root}.`,
  );
}

/** Writes the trace that was asked for: of all that is pending now. */
async function record(overlay: Overlay, request: RunRequest, sinceMs: number): Promise<void> {
  const { record: file, recordContent: content } = request;
  if (file === undefined) return;
  const diff = await overlay.diff();
  const trace = await diff.toTrace({ sinceMs, ...(content === undefined ? {} : { content }) });
  writePlainFile(file, Buffer.from(trace));
}

/** Says what went wrong where the exit code alone may puzzle. */
function explainEnd({ err }: CommandContext, program: string, result: RunResult): void {
  const name = printable(program);
  if (result.isolation === "cooperative") {
    err.write(`draftfs: isolation was cooperative. ${printable(result.notes.join(" "))}\n`);
  }
  if (result.isTerminalLost) {
    err.write(
      "draftfs: the command has kept the terminal, so there is no question; the draft is kept.\n",
    );
  }
  if (result.exitCode !== 0) {
    // A cache that could not be written would puzzle; whoever succeeds did not need it.
    const home = result.notes.filter((note) => note.startsWith(homeNoteStart));
    for (const note of home) err.write(`draftfs: ${printable(note)}\n`);
  }
  for (const warning of result.warnings) {
    err.write(`draftfs: ${printable(forCommandLine(warning))}\n`);
  }
  if (result.exitCode === exitCodes.notFound) {
    const isLine = result.args.length === 0 && program.includes(" ");
    err.write(
      `draftfs: ${name} ended with 127: it, or a program that it calls, was not found. ` +
        (isLine
          ? "A line of shell is run by draftfs run -- sh -c '…'.\n"
          : "Check the spelling and PATH, or install it.\n"),
    );
  } else if (result.exitCode === exitCodes.notExecutable) {
    err.write(`draftfs: ${name} ended with 126: it cannot be executed. Check its permissions.\n`);
  } else if (result.signal !== undefined) {
    const why = cpuLimitText(result);
    err.write(`draftfs: ${name} was ended by ${result.signal}. ${why}The draft is kept.\n`);
  }
}

/** The kernel ends who has used up its processor time with SIGKILL, and does not say why. */
function cpuLimitText({ signal, limits, isTimedOut }: RunResult): string {
  const limit = limits.find(({ resource }) => resource === "processor");
  if (limit === undefined || signal !== "SIGKILL" || isTimedOut) return "";
  return `Its limit of ${limit.amount} s of processor time may have been reached. `;
}

/** What a command that has failed may have looked for in vain. */
function explainHidden(
  { err }: CommandContext,
  { root }: Overlay,
  { command, temporary = "private" }: RunRequest,
  { exitCode, isolation }: RunResult,
): void {
  if (exitCode === 0 || isolation !== "enforced" || temporary !== "private") return;
  const [program = ""] = command;
  const isMissing = exitCode === exitCodes.notFound;
  const [hidden] = [
    ...hiddenArguments(command, root),
    ...(isMissing ? hiddenPrograms(program, process.env["PATH"] ?? "", root) : []),
  ];
  if (hidden === undefined) return;
  err.write(
    `draftfs: the command cannot see ${printable(hidden)}: its temporary directories are its ` +
      "own, and empty at first. --temporary read-only shows yours.\n",
  );
}

/** Git does not say that another engine could have renamed the directory. */
function explainRename(
  { err }: CommandContext,
  { command }: RunRequest,
  { engine, exitCode }: RunResult,
): void {
  if (exitCode === 0 || engine !== "overlay-user" || !/\bgit\b.*\bmv\b/s.test(command.join(" "))) {
    return;
  }
  err.write(
    "draftfs: git cannot rename a directory that is on the disk here, as between two disks " +
      '("Invalid cross-device link"). --engine fuse can.\n',
  );
}
