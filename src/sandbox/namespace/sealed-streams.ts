import type { ChildProcess, IOType, SpawnOptions } from "node:child_process";
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
} from "node:fs";
import { Stream } from "node:stream";
import { pipeline } from "node:stream/promises";
import { nativeCalls } from "../../disk/native/native-calls.ts";
import { descriptorLimit } from "../../disk/node/descriptor-limit.ts";
import { DraftError } from "../../errors.ts";

/** `O_CLOEXEC` of Linux, which Node does not name. */
const O_CLOEXEC = 0o2000000;
/** `O_PATH` of Linux, which Node does not name either. */
const O_PATH = 0o10000000;
const accessModes = constants.O_RDONLY | constants.O_WRONLY | constants.O_RDWR;

type Stdio = NonNullable<SpawnOptions["stdio"]>;
type StdioEntry = IOType | "ipc" | Stream | number | null | undefined;

/**
 * The streams of a child process that lead nowhere but where its caller has said.
 *
 * Every descriptor is a way past the mounts of a sandbox: `/proc/self/fd/<n>` opens what it stands
 * for once more, a directory with all that lies in it, a file for writing. Node marks the ones that
 * it was itself started with as closed for its children only up to the first gap in their numbers.
 */
export class SealedStreams {
  /** What to give to `spawn`. */
  readonly stdio: StdioEntry[];
  /** A file on the disk that the command reads through a pipe, so that it cannot open it anew. */
  readonly #input: number | undefined;
  readonly #nowhere: number | undefined;

  /**
   * @throws {DraftError} `DRAFT_SANDBOX_FAILED` for a directory, a file without output, and what
   *   cannot be kept from a command.
   */
  constructor(stdio: Stdio) {
    this.stdio = entriesOf(stdio);
    this.stdio.forEach((entry, index) => {
      refuseDirectory(descriptorOf(entry, index), index);
    });
    const input = descriptorOf(this.stdio[0], 0);
    if (input !== undefined && isOnDisk(input)) {
      this.#input = input;
      this.stdio[0] = "pipe";
    }
    const inherited = inheritedDescriptors().filter((number) => this.#isFree(number));
    if (inherited.length === 0) return;
    refuseBeyondLimit(Math.max(...inherited));
    const nowhere = openSync("/dev/null", constants.O_RDWR);
    this.#nowhere = nowhere;
    for (const number of inherited) {
      while (this.stdio.length < number) this.stdio.push("ignore");
      this.stdio[number] = nowhere;
    }
  }

  /** Once the child has been started: closes what was opened for it, and feeds it its input. */
  attach(child: ChildProcess): void {
    this.release();
    if (this.#input === undefined || child.stdin === null) return;
    const source = createReadStream("", { fd: this.#input, autoClose: false });
    // A command need not read all of its input.
    pipeline(source, child.stdin).catch(() => {});
  }

  /** Closes what was opened for the child. */
  release(): void {
    if (this.#nowhere !== undefined) closeSync(this.#nowhere);
  }

  #isFree(number: number): boolean {
    const entry = this.stdio[number];
    return entry === undefined || entry === null || entry === "ignore";
  }
}

function entriesOf(stdio: Stdio): StdioEntry[] {
  return typeof stdio === "string" ? [stdio, stdio, stdio] : [...stdio];
}

/** The descriptor of ours that becomes the child's; `undefined` where a new one does. */
function descriptorOf(entry: StdioEntry, index: number): number | undefined {
  if (entry === "inherit") return index;
  if (typeof entry === "number") return entry;
  const { fd } = entry instanceof Stream ? (entry as { fd?: unknown }) : { fd: undefined };
  return typeof fd === "number" ? fd : undefined;
}

function refuseDirectory(descriptor: number | undefined, index: number): void {
  if (descriptor === undefined) return;
  const stats = statsOf(descriptor);
  const flags = flagsOf(descriptor) ?? 0;
  const isReadOnly = (flags & accessModes) === constants.O_RDONLY;
  // A file that is open for reading only takes no output: it can but be opened once more.
  const isNoOutput = index > 0 && index < 3 && isReadOnly && stats?.isFile() === true;
  if (stats?.isDirectory() !== true && (flags & O_PATH) === 0 && !isNoOutput) return;
  const what = isNoOutput ? "a file that is open for reading only" : "a directory";
  throw new DraftError(
    "DRAFT_SANDBOX_FAILED",
    `Cannot run a command whose stream ${index} is ${what}: it leads out of the sandbox. ` +
      "Redirect it elsewhere.",
  );
}

/**
 * The limit may have been lowered since it was opened. Then nothing can be put in its place for a
 * child: spawn says EINVAL.
 */
function refuseBeyondLimit(inherited: number): void {
  if (inherited + 1 < descriptorLimit()) return;
  const cause = Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  throw new DraftError(
    "DRAFT_SANDBOX_FAILED",
    `Cannot keep descriptor ${inherited}, which draftfs was started with, from a command: it is ` +
      "beyond the limit of open files (ulimit -n), which was lowered since. Raise that, or start " +
      `draftfs without it (${inherited}>&- in bash).`,
    { cause },
  );
}

function isOnDisk(descriptor: number): boolean {
  const stats = statsOf(descriptor);
  return stats?.isFile() === true || stats?.isBlockDevice() === true;
}

function statsOf(descriptor: number) {
  try {
    return fstatSync(descriptor);
  } catch {
    // Closed: Node opens /dev/null there.
    return undefined;
  }
}

/** Descriptors beside the standard streams that a child of this process would get. */
function inheritedDescriptors(): number[] {
  let names: string[];
  try {
    names = readdirSync("/proc/self/fd");
  } catch {
    // Not Linux: nothing here runs in a namespace.
    return [];
  }
  const isInherited = nativeCalls(lookSavingUs * names.length)?.isInherited ?? isOpenForChildren;
  return names.map(Number).filter((number) => number > 2 && isInherited(number) === true);
}

/** What a native look at one descriptor saves, in microseconds. */
const lookSavingUs = 10;

function isOpenForChildren(descriptor: number): boolean {
  const flags = flagsOf(descriptor);
  return flags !== undefined && (flags & O_CLOEXEC) === 0;
}

/** Every descriptor is looked at before every command: nothing but what it takes. */
function flagsOf(descriptor: number): number | undefined {
  try {
    const info = openSync(`/proc/self/fdinfo/${descriptor}`, constants.O_RDONLY);
    try {
      const text = head.toString("latin1", 0, readSync(info, head, 0, head.length, 0));
      return Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? "", 8);
    } finally {
      closeSync(info);
    }
  } catch {
    return undefined;
  }
}

/** Takes the first lines of a description: the position, and the flags. */
const head = Buffer.allocUnsafeSlow(64);
