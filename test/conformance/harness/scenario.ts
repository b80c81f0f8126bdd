import type { Recorder } from "./recorder.ts";
import { type Fs, type Seed, standardSeed } from "./seed.ts";

/** What a program works with: a recorded fs and the names of its tree. */
export class Trial {
  readonly fs: Fs;
  /** The same without notes: for calls whose order is left to chance. */
  readonly raw: Fs;
  readonly root: string;
  /** A directory beside the root, out of the overlay's reach. */
  readonly outside: string;
  readonly #recorder: Recorder;

  constructor(
    recorder: Recorder,
    place: { readonly fs: Fs; readonly root: string; readonly outside: string },
  ) {
    this.fs = recorder.fs;
    this.raw = place.fs;
    this.root = place.root;
    this.outside = place.outside;
    this.#recorder = recorder;
  }

  /** The absolute path of `path` in the tree, kept as it is spelt (slashes at its end, dots). */
  readonly at = (path: string): string => (path === "" ? this.root : `${this.root}/${path}`);

  /** Takes down something that is not a call. */
  readonly note = (label: string, value: unknown): void => this.#recorder.note(label, value);

  /** Runs the callback form of a call and waits for it. */
  readonly callback = (name: keyof Fs, ...input: unknown[]): Promise<unknown> => {
    const action = this.fs[name] as unknown as (...all: unknown[]) => void;
    return new Promise((resolve) => {
      action(...input, (...answer: unknown[]) => resolve(answer.at(-1)));
    });
  };

  /** Reads a stream to its end and notes its bytes and how it ended. */
  readonly read = async (
    path: string,
    options?: Parameters<Fs["createReadStream"]>[1],
  ): Promise<void> => {
    const pieces: Buffer[] = [];
    const events: string[] = [];
    try {
      const stream = this.fs.createReadStream(path, options);
      stream.on("open", () => events.push("open"));
      stream.on("ready", () => events.push("ready"));
      stream.on("end", () => events.push("end"));
      stream.on("data", (piece) => pieces.push(Buffer.from(piece)));
      const closed = closeOf(stream);
      stream.on("error", (error) => this.note(`read ${this.#short(path)}: error`, error));
      await closed;
      this.note(`read ${this.#short(path)}`, {
        bytes: Buffer.concat(pieces),
        events,
        bytesRead: stream.bytesRead,
      });
    } catch (error) {
      this.note(`read ${this.#short(path)}: thrown`, error);
    }
  };

  /** Writes pieces through a stream and notes how it ended. */
  readonly write = async (
    path: string,
    pieces: readonly (string | Buffer)[],
    options?: Parameters<Fs["createWriteStream"]>[1],
  ): Promise<void> => {
    const events: string[] = [];
    try {
      const stream = this.fs.createWriteStream(path, options);
      for (const name of ["open", "ready", "finish"]) stream.on(name, () => events.push(name));
      stream.on("error", (error) => this.note(`write ${this.#short(path)}: error`, error));
      const closed = closeOf(stream);
      for (const piece of pieces) stream.write(piece);
      stream.end();
      await closed;
      this.note(`write ${this.#short(path)}`, { events, bytesWritten: stream.bytesWritten });
    } catch (error) {
      this.note(`write ${this.#short(path)}: thrown`, error);
    }
  };

  #short(path: string): string {
    return path.replace(this.root, "<root>");
  }
}

function closeOf(stream: NodeJS.EventEmitter): Promise<unknown> {
  return new Promise((resolve) => stream.once("close", resolve));
}

/** Ways to run a scenario; see `variants.ts`. */
export type VariantName =
  | "plain"
  | "rolled back"
  | "redirect"
  | "upper"
  | "spilled"
  | "pressed"
  | "memfs"
  | "stacked"
  | "unionfs";

export interface Scenario {
  readonly name: string;
  readonly seed: Seed;
  readonly program: (trial: Trial) => void | Promise<void>;
  /** Variants in which the real file system is no oracle, each with the reason. */
  readonly skip: Readonly<Partial<Record<VariantName, string>>>;
  /** User to run as when the tests run as root. */
  readonly uid: number | undefined;
  /** Paths that stay root's when the tree is handed over to that user. */
  readonly foreign: readonly string[];
}

export interface ScenarioOptions {
  readonly seed?: Seed;
  readonly skip?: Scenario["skip"];
  readonly uid?: number;
  readonly foreign?: readonly string[];
}

/** A scenario on the standard tree, unless it brings its own. */
export function scenario(
  name: string,
  program: Scenario["program"],
  options: ScenarioOptions = {},
): Scenario {
  const { seed = standardSeed, skip = {}, uid, foreign = [] } = options;
  return { name, seed, program, skip, uid, foreign };
}
