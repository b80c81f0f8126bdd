/** Prints the steps of the demo, each with the time it took. */
export class Story {
  readonly #begunMs = performance.now();
  #number = 0;

  /** Performs a step and prints its title, what it tells and its time. */
  async step<Result>(title: string, perform: () => Result | Promise<Result>): Promise<Result> {
    this.#number += 1;
    process.stdout.write(`\n${this.#number}. ${title}\n`);
    const begunMs = performance.now();
    const result = await perform();
    process.stdout.write(`   [${elapsed(begunMs)}]\n`);
    return result;
  }

  /** Prints text below the title of a step; of a long one the beginning and the end. */
  tell(text: string, linesMax = Number.POSITIVE_INFINITY): void {
    const lines = text.trimEnd().split("\n");
    const head = Math.ceil(linesMax / 2);
    const tail = linesMax - head;
    const shown =
      lines.length <= linesMax
        ? lines
        : [
            ...lines.slice(0, head),
            `… ${lines.length - head - tail} more lines …`,
            ...lines.slice(lines.length - tail),
          ];
    for (const line of shown) process.stdout.write(`   ${line}\n`);
  }

  /** The last line of a demo that went through. */
  succeed(): void {
    process.stdout.write(`\ndemo: ok (${this.#number} steps, ${elapsed(this.#begunMs)})\n`);
  }
}

function elapsed(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(2)} s`;
}
