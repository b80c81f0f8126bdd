import { createInterface } from "node:readline";
import type { CommandContext } from "./command-context.ts";

/** One answer that can be given: `key` is its short form, none for what must be typed whole. */
export interface Answer<Value extends string> {
  readonly value: Value;
  readonly key: string | undefined;
}

/** What came back: an answer, or the end of the input, or Ctrl-C. */
export type Reply<Value extends string> = Value | "end" | "interrupt";

/**
 * Asks on standard error and reads one line from the terminal, again until it is an answer.
 *
 * @param fallback - the answer that an empty line means.
 */
export async function ask<Value extends string>(
  context: CommandContext,
  question: string,
  answers: readonly Answer<Value>[],
  fallback: Value,
): Promise<Reply<Value>> {
  for (;;) {
    const line = await readLine(context, question);
    if (line === "end" || line === "interrupt") return line;
    const text = line.text.trim().toLowerCase();
    if (text === "") return fallback;
    const answer = answers.find(({ value, key }) => text === value || text === key);
    if (answer !== undefined) return answer.value;
    const known = answers.map(({ value, key }) =>
      key === undefined ? value : `${value} (${key})`,
    );
    context.err.write(`Please answer ${known.join(", ")}.\n`);
  }
}

function readLine(
  context: CommandContext,
  question: string,
): Promise<{ readonly text: string } | "end" | "interrupt"> {
  const lines = createInterface({ input: context.input, output: process.stderr, terminal: false });
  context.err.write(question);
  return new Promise((resolve) => {
    let reply: { readonly text: string } | "end" | "interrupt" = "end";
    const interrupted = (): void => {
      reply = "interrupt";
      lines.close();
    };
    process.once("SIGINT", interrupted);
    lines.once("line", (text) => {
      reply = { text };
      lines.close();
    });
    lines.once("close", () => {
      process.off("SIGINT", interrupted);
      context.input.pause();
      if (reply === "end" || reply === "interrupt") context.err.write("\n");
      resolve(reply);
    });
  });
}
