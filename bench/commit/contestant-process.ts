import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Request } from "./contestant.ts";
import type { Method } from "./method.ts";

/** Drives a contestant process. */
export class ContestantProcess implements AsyncDisposable {
  readonly #process: ChildProcess;

  constructor(key: string, method: Method) {
    const env = { ...process.env };
    if (method.threads !== undefined) env["UV_THREADPOOL_SIZE"] = String(method.threads);
    this.#process = fork(fileURLToPath(new URL("./contestant.js", import.meta.url)), [key], {
      env,
      execArgv: ["--enable-source-maps"],
    });
  }

  /** @returns milliseconds. @throws what the contestant threw. */
  async ask(request: Request): Promise<number> {
    if (!this.#process.connected) throw new Error("The contestant has ended.");
    const settled = new AbortController();
    const answered = Promise.race([
      once(this.#process, "message", settled),
      once(this.#process, "exit", settled),
    ]);
    this.#process.send(request);
    const [answer] = (await answered) as [Answer | number | null];
    settled.abort();
    if (typeof answer !== "object" || answer === null) throw new Error("The contestant is gone.");
    if (answer.kind === "failed") throw new Error(answer.message);
    return answer.elapsedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.disconnect();
    await gone;
  }
}
