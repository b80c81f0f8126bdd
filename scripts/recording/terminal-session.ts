import { type ChildProcess, spawn } from "node:child_process";

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly columns: number;
}

/** A command on a terminal of its own, by `script` of util-linux: it acts as for a person. */
export class TerminalSession {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #output = "";
  #typedAt = 0;
  #wake: () => void = () => undefined;

  constructor(commandLine: string, options: TerminalOptions) {
    const prepare = `stty -echo rows 50 cols ${options.columns}`;
    this.#child = spawn("script", ["-qefc", `${prepare}; exec ${commandLine}`, "/dev/null"], {
      cwd: options.cwd,
      env: { ...options.env, TERM: "xterm" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.#wake();
        resolve(code ?? 255);
      });
    });
  }

  /** Everything that was shown, with its control sequences. */
  get output(): string {
    return this.#output;
  }

  /** Waits until `text` has been shown, after what was typed last. */
  async shows(text: string): Promise<void> {
    while (!this.#output.includes(text, this.#typedAt)) {
      if (this.#child.exitCode !== null) throw new Error(`ended without ${text}: ${this.#output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Types text and shows it, as a terminal does. */
  type(text: string): void {
    this.#output += text;
    this.#typedAt = this.#output.length;
    this.#child.stdin?.write(text);
  }

  /** Waits for the end; returns the exit code. */
  async end(): Promise<number> {
    const code = await this.#ended;
    this.#child.stdin?.end();
    return code;
  }
}
