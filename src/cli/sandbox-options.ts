import { type Command, InvalidArgumentError, Option } from "commander";
import type { OverlayRunOptions, SessionOptions } from "../index.ts";
import { size, wholeNumber } from "./program-parts.ts";

/** How `run` and `try` contain a command, as parsed. */
export interface SandboxOptions {
  readonly require?: NonNullable<OverlayRunOptions["require"]>;
  readonly engine?: NonNullable<SessionOptions["engine"]>;
  readonly net?: "on" | "off";
  readonly outside?: NonNullable<SessionOptions["outside"]>;
  readonly home?: NonNullable<SessionOptions["home"]>;
  readonly temporary?: NonNullable<SessionOptions["temporary"]>;
  readonly sockets?: NonNullable<SessionOptions["sockets"]>;
  readonly denyRead?: readonly string[];
  readonly env?: readonly string[];
  readonly unsetEnv?: readonly string[];
  readonly timeout?: number;
  readonly limitMemory?: number;
  readonly limitCpu?: number;
  readonly limitProcesses?: number;
  readonly limitFile?: number;
  readonly limitWrites?: number;
}

/** Adds the options by which a command is contained; what each protects stands in the help. */
export function addSandboxOptions(command: Command): Command {
  const choice = (flags: string, description: string, ...choices: string[]): Option =>
    new Option(flags, description).choices(choices);
  return command
    .optionsGroup("What it may reach, and how much (the first choice is the default):")
    .addOption(
      choice(
        "--require <isolation>",
        "refuse to run with less isolation than this",
        "enforced",
        "cooperative",
      ),
    )
    .addOption(
      choice(
        "--engine <engine>",
        "how to isolate; default: the best that works, see doctor",
        "overlay",
        "overlay-user",
        "fuse",
        "clone",
      ),
    )
    .addOption(
      choice("--outside <how>", "the rest of the disk: keeps it unchanged", "read-only", "open"),
    )
    .addOption(
      choice(
        "--home <how>",
        "the home directory: writable, and thrown away",
        "discard",
        "read-only",
        "open",
      ),
    )
    .addOption(
      choice(
        "--temporary <how>",
        "/tmp, /var/tmp, /dev/shm: hides others'",
        "private",
        "read-only",
        "shared",
      ),
    )
    .addOption(
      choice("--sockets <how>", "hides /run, ssh and gpg agents, docker", "masked", "shared"),
    )
    .addOption(choice("--net <how>", "off: nothing leaves the machine", "on", "off"))
    .option("--deny-read <glob>", "files that cannot be read; may be repeated", collect)
    .option("--env <name[=value]>", "a variable for it, also a secret; may be repeated", setting)
    .option("--unset-env <name>", "a variable that it does not get; may be repeated", variable)
    .option("--timeout <seconds>", "end it with SIGTERM, 2 s later SIGKILL", amount)
    .option("--limit-memory <size>", "bytes, or with K, M, G, T", size)
    .option("--limit-cpu <seconds>", "processor time of each process", wholeNumber)
    .option("--limit-processes <count>", "processes and threads at once", wholeNumber)
    .option("--limit-file <size>", "the largest file that it may write", size)
    .option("--limit-writes <size>", "memory for all that is written (default: half of it)", size)
    .optionsGroup("Options:");
}

/** What they mean for the session that a command runs in. */
export function sessionOptionsOf(options: SandboxOptions): SessionOptions {
  const { engine, net: network, outside, home, temporary, sockets, denyRead } = options;
  const { limitWrites: uncommittedBytesMax } = options;
  return {
    ...(engine === undefined ? {} : { engine }),
    ...(network === undefined ? {} : { network }),
    ...(outside === undefined ? {} : { outside }),
    ...(home === undefined ? {} : { home }),
    ...(temporary === undefined ? {} : { temporary }),
    ...(sockets === undefined ? {} : { sockets }),
    ...(denyRead === undefined ? {} : { denyRead }),
    ...(uncommittedBytesMax === undefined ? {} : { uncommittedBytesMax }),
  };
}

/** What they mean for one command. */
export function runOptionsOf(options: SandboxOptions): OverlayRunOptions {
  const { require, timeout, limitMemory, limitCpu, limitProcesses, limitFile } = options;
  return {
    env: variablesOf(options),
    ...(require === undefined ? {} : { require }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    limits: {
      ...(limitMemory === undefined ? {} : { memoryBytes: limitMemory }),
      ...(limitCpu === undefined ? {} : { cpuSeconds: limitCpu }),
      ...(limitProcesses === undefined ? {} : { processes: limitProcesses }),
      ...(limitFile === undefined ? {} : { fileBytes: limitFile }),
    },
  };
}

/** `NAME` passes a variable of ours on, `NAME=value` sets it; one without a value is not passed. */
function variablesOf({ env = [], unsetEnv = [] }: SandboxOptions): NodeJS.ProcessEnv {
  const set = env.map((text) => {
    const end = text.indexOf("=");
    return end < 0 ? [text, process.env[text]] : [text.slice(0, end), text.slice(end + 1)];
  });
  return Object.fromEntries([...set, ...unsetEnv.map((name) => [name, undefined])]);
}

/** @throws {InvalidArgumentError} shown as a usage error. */
function setting(value: string, previous: readonly string[] | undefined): readonly string[] {
  if (/^[^=]/.test(value)) return collect(value, previous);
  throw new InvalidArgumentError("Give a name, or a name and a value such as DEBUG=1.");
}

/** @throws {InvalidArgumentError} shown as a usage error. */
function variable(value: string, previous: readonly string[] | undefined): readonly string[] {
  if (/^[^=]+$/.test(value)) return collect(value, previous);
  throw new InvalidArgumentError("Give the name of a variable, and no value.");
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** Timers of Node cannot wait longer. */
const secondsMax = 2 ** 31 / 1000 - 1;

function amount(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= secondsMax) return value;
  throw new InvalidArgumentError("Give a number of seconds above 0, such as 30 or 0.5.");
}
