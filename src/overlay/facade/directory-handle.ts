import type fs from "node:fs";
import { join } from "node:path";
import {
  checkArguments,
  Dir,
  dirSymbols,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { direntOf, isDirectoryType, type ShownEntry } from "../calls/inspect.ts";
import { shownPath } from "./arguments.ts";
import { codedError } from "./coded-error.ts";

/** What an open directory reads from. */
export interface DirectorySource {
  readonly entries: readonly ShownEntry[];
  readonly encode: (name: string) => string | Buffer;
  /** Lists a sub-directory, where the directory was opened recursively. */
  readonly list: ((path: string) => readonly ShownEntry[]) | undefined;
  /** Entries that Node asks the system for at once. */
  readonly bufferSize: number;
}

type ReadCallback = (error: Error | null, entry: fs.Dirent | null) => void;

/**
 * An open directory, an instance of `fs.Dir`. It shows the entries that were there when it was
 * opened, which POSIX allows.
 */
export class OverlayDir {
  readonly #path: string | Uint8Array;
  readonly #source: DirectorySource;
  #pending: { readonly entry: ShownEntry; readonly parent: string | Uint8Array }[];
  #next = 0;
  /** Entries that Node would hold in memory now; only a read of others has to wait. */
  #bufferedCount = 0;
  #isReading = false;
  #isClosed = false;

  private constructor(path: string | Uint8Array, source: DirectorySource) {
    this.#path = path;
    this.#source = source;
    this.#pending = source.entries.map((entry) => ({ entry, parent: path }));
  }

  static open(path: string | Uint8Array, source: DirectorySource): fs.Dir {
    return new OverlayDir(path, source) as unknown as fs.Dir;
  }

  get path(): string | Uint8Array {
    return this.#path;
  }

  readSync(): fs.Dirent | null {
    this.#requireOpen();
    this.#requireIdle();
    return this.#take();
  }

  #take(): fs.Dirent | null {
    const item = this.#pending[this.#next];
    if (item === undefined) return null;
    const remaining = this.#pending.length - this.#next;
    this.#next += 1;
    if (this.#bufferedCount === 0) {
      this.#bufferedCount = Math.min(this.#source.bufferSize, remaining);
    }
    this.#bufferedCount -= 1;
    const { entry, parent } = item;
    if (this.#source.list !== undefined && isDirectoryType(entry.type)) {
      const path = join(shownPath(parent), entry.name);
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
    const isWaiting = this.#bufferedCount === 0 && !this.#isReading;
    let entry: fs.Dirent | null = null;
    let failure: Error | null = null;
    try {
      entry = this.#take();
    } catch (error) {
      failure = error as Error;
    }
    if (isWaiting) this.#isReading = true;
    setImmediate(() => {
      // Once the callback has returned, as in Node.
      if (isWaiting) process.nextTick(() => this.#endReading());
      callback(failure, entry);
    });
    return undefined;
  }

  #endReading(): void {
    this.#isReading = false;
  }

  closeSync(): void {
    this.#requireOpen();
    this.#requireIdle();
    this.#end();
  }

  #end(): void {
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
      this.#requireOpen();
      this.#end();
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

  /** @throws `ERR_DIR_CONCURRENT_OPERATION` while an asynchronous read is under way, as Node. */
  #requireIdle(): void {
    if (!this.#isReading) return;
    throw codedError(
      "ERR_DIR_CONCURRENT_OPERATION",
      "Cannot do synchronous work on directory handle with concurrent asynchronous operations",
    );
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
// Code tells what it was given by this name.
Object.defineProperty(OverlayDir, "name", { value: "Dir" });

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
