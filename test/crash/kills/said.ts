import fs from "node:fs";
import { type Made, madeOf, wordsOf } from "./committed-tree.ts";

/** Follows what processes say to have done, to its end also when they are dead. */
export class Said implements Disposable {
  readonly #file: number;
  #position = 0;
  #rest = "";
  /** Who has acknowledged the commit of a number. */
  readonly committed = new Map<number, string>();
  /** The highest number that was acknowledged. */
  newest = 0;
  recovered = 0;

  constructor(path: string) {
    this.#file = fs.openSync(path, "a+");
  }

  /**
   * Reads on.
   *
   * @throws when a process has failed, or two have made the same commit.
   */
  follow(): void {
    const size = fs.fstatSync(this.#file).size - this.#position;
    const bytes = Buffer.alloc(size);
    fs.readSync(this.#file, bytes, 0, size, this.#position);
    this.#position += size;
    const lines = (this.#rest + bytes.toString("utf8")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#note(line);
  }

  /** @throws when a commit is acknowledged that is another one in the tree or in the log. */
  expectSame(made: Made): void {
    const by = this.committed.get(made.number);
    if (by === undefined || by === made.by) return;
    throw new Error(`lost: commit ${made.number} of ${by} is one of ${wordsOf(made)}`);
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#file);
  }

  #note(line: string): void {
    const [by = "", what = "", value = ""] = line.split(" ");
    if (what === "failed") throw new Error(`a process has failed: ${line}`);
    if (what === "recovered") {
      if (value === "finished" || value === "taken-back") this.recovered += 1;
      return;
    }
    const made = madeOf(`${value} ${by}`);
    if (this.committed.has(made.number)) {
      this.expectSame(made);
      throw new Error(`lost: commit ${value} is acknowledged twice`);
    }
    this.committed.set(made.number, by);
    this.newest = Math.max(this.newest, made.number);
  }
}
