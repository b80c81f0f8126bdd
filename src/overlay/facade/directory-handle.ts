import type fs from "node:fs";
import { join } from "node:path";
import {
  checkArguments,
  Dir,
  dirSymbols,
  realFileSystem as real,
} from "../../disk/lower-classes.ts";
import { direntOf, isDirectoryType, type ShownEntry } from "../inspect.ts";

/** What an open directory reads from. */
export interface DirectorySource {
  readonly entries: readonly ShownEntry[];
  readonly encode: (name: string) => string | Buffer;
  /** Lists a sub-directory, where the directory was opened recursively. */
  readonly list: ((path: string) => readonly ShownEntry[]) | undefined;
}

type ReadCallback = (error: Error | null, entry: fs.Dirent | null) => void;

/**
 * An open directory, an instance of `fs.Dir`. It shows the entries that were there when it was
 * opened, which POSIX allows.
 */
export class OverlayDir {
  readonly #path: string;
  readonly #source: DirectorySource;
  #pending: { readonly entry: ShownEntry; readonly parent: string }[];
  #next = 0;
  #isClosed = false;

  private constructor(path: string, source: DirectorySource) {
    this.#path = path;
    this.#source = source;
    this.#pending = source.entries.map((entry) => ({ entry, parent: path }));
  }

  static open(path: string, source: DirectorySource): fs.Dir {
    return new OverlayDir(path, source) as unknown as fs.Dir;
  }

  get path(): string {
    return this.#path;
  }

  readSync(): fs.Dirent | null {
    this.#requireOpen();
    const item = this.#pending[this.#next];
    if (item === undefined) return null;
    this.#next += 1;
    const { entry, parent } = item;
    if (this.#source.list !== undefined && isDirectoryType(entry.type)) {
      const path = join(parent, entry.name);
      for (const below of this.#source.list(path))
        this.#pending.push({ entry: below, parent: path });
    }
    return direntOf(this.#source.encode(entry.name), entry.type, parent);
  }

  read(callback?: ReadCallback): Promise<fs.Dirent | null> | undefined {
    this.#requireOpen();
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.read((error, entry) => (error === null ? resolve(entry) : reject(error)));
      });
    }
    requireFunction(callback);
    let entry: fs.Dirent | null = null;
    let failure: Error | null = null;
    try {
      entry = this.readSync();
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(callback, failure, entry);
    return undefined;
  }

  closeSync(): void {
    this.#requireOpen();
    this.#isClosed = true;
    this.#pending = [];
  }

  close(callback?: (error?: Error | null) => void): Promise<void> | undefined {
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.close((error) => (error == null ? resolve() : reject(error)));
      });
    }
    requireFunction(callback);
    let failure: Error | null = null;
    try {
      this.closeSync();
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(callback, failure);
    return undefined;
  }

  async *entries(): AsyncGenerator<fs.Dirent> {
    try {
      for (;;) {
        const entry = await this.read();
        if (entry === null || entry === undefined) return;
        yield entry;
      }
    } finally {
      if (!this.#isClosed) await this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<fs.Dirent> {
    return this.entries();
  }

  #requireOpen(): void {
    if (!this.#isClosed) return;
    const closed = real.opendirSync("/");
    closed.closeSync();
    closed.readSync();
  }
}

const { dispose, asyncDispose } = dirSymbols;
Object.defineProperty(OverlayDir.prototype, dispose, {
  value(this: OverlayDir): void {
    try {
      this.closeSync();
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_DIR_CLOSED") throw error;
    }
  },
});
Object.defineProperty(OverlayDir.prototype, asyncDispose, {
  async value(this: OverlayDir): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_DIR_CLOSED") throw error;
    }
  },
});
Object.setPrototypeOf(OverlayDir.prototype, Dir.prototype);

function requireFunction(callback: unknown): void {
  if (typeof callback === "function") return;
  checkArguments(() => {
    const directory = real.opendirSync("/");
    try {
      directory.read(callback as ReadCallback);
    } finally {
      directory.closeSync();
    }
  });
}
