import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  spawn,
  spawnSync,
} from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";

/** What a child process left behind. */
export interface Outcome {
  /** The exit code, or 128 + the signal's number as a shell reports it. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CallOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Another program for Node than the command line. */
  readonly program?: string;
  /** On a terminal: where the shell sends a stream instead, such as `2>log`. */
  readonly redirect?: string;
}

/**
 * The built command line, as users start it. The tests of the command line go through it alone:
 * `npm ci` builds it, and {@link buildCommandLine} does again when a source file is newer.
 */
export const commandLinePath = join(projectDirectory(), "dist", "main.js");

/** The built program that serves FUSE mounts. */
export const builtServerPath = join(projectDirectory(), "dist", "server-main.js");

/** Builds `dist` when it is older than the sources. Call it before the first test of a file. */
export function buildCommandLine(): void {
  const source = join(projectDirectory(), "src");
  const lock = join(projectDirectory(), "node_modules", ".cache", "draftfs-build");
  fs.mkdirSync(join(lock, ".."), { recursive: true });
  while (isOlder(commandLinePath, newestIn(source))) {
    try {
      fs.mkdirSync(lock);
    } catch {
      // Another test file builds; a build that was killed leaves its mark for a minute at most.
      const sinceMs = Date.now() - (fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (sinceMs > 60_000) fs.rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      continue;
    }
    try {
      build();
    } finally {
      fs.rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** Runs the command line to its end, its streams being pipes. */
export function draftfs(args: readonly string[], options: CallOptions = {}): Outcome {
  const result = spawnSync(process.execPath, [commandLinePath, ...args], {
    cwd: options.cwd,
    env: environment(options.env),
    input: options.input ?? "",
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error !== undefined) throw result.error;
  return { code: result.status ?? 255, out: result.stdout, err: result.stderr };
}

/** Starts the command line without waiting for it. */
export function startDraftfs(
  args: readonly string[],
  options: CallOptions = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [commandLinePath, ...args], {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** The command line on a terminal of its own, by `script` of util-linux. */
export class TerminalSession {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #text = "";
  #changed: () => void = () => undefined;

  constructor(args: readonly string[], options: CallOptions = {}) {
    const program = options.program ?? commandLinePath;
    const words = [process.execPath, program, ...args].map(quoted).join(" ");
    this.#child = spawn(
      "script",
      [
        "-qefc",
        `stty -echo rows 50 cols 120; exec ${words} ${options.redirect ?? ""}`,
        "/dev/null",
      ],
      {
        cwd: options.cwd,
        env: { ...environment(options.env), TERM: "xterm" },
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    // What is typed when it has just ended is heard by nobody.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#changed();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.#changed();
        resolve(code ?? 255);
      });
    });
  }

  /** Everything shown so far, line ends as in files. */
  get text(): string {
    return this.#text.replaceAll("\r\n", "\n");
  }

  /** Waits until `pattern` has been shown. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      if (this.#child.exitCode !== null) throw new Error(`ended without ${pattern}:\n${this.text}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** Types text; `\u0003` is Ctrl-C. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits for the end and returns the exit code. */
  async end(): Promise<number> {
    const code = await this.#ended;
    this.#child.stdin?.end();
    return code;
  }
}

function build(): void {
  const bundler = join(projectDirectory(), "node_modules", "rolldown", "bin", "cli.mjs");
  const result = spawnSync(process.execPath, [bundler, "--config"], {
    cwd: projectDirectory(),
    encoding: "utf8",
  });
  if (!fs.existsSync(commandLinePath)) throw new Error(`the build failed:\n${result.stdout}`);
  const now = new Date();
  fs.utimesSync(commandLinePath, now, now);
}

/** The environment of the tests, without what changes how the command line behaves. */
function environment(added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, DRAFTFS_DRAFT, DRAFTFS_NATIVE, NODE_OPTIONS, ...rest } =
    process.env;
  return { ...rest, ...added };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function newestIn(directory: string): number {
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.reduce((newest, name) => {
    const stats = fs.statSync(join(directory, name), { throwIfNoEntry: false });
    return Math.max(newest, stats?.mtimeMs ?? 0);
  }, 0);
}

function isOlder(path: string, thanMs: number): boolean {
  return (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < thanMs;
}
