import { EventEmitter } from "node:events";
import type fs from "node:fs";
import { createInterface, type Interface } from "node:readline";
import type { ReadableStream } from "node:stream/web";
import {
  checkArguments,
  dirSymbols,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { KIB } from "../../limits.ts";
import { optionsOf } from "./arguments.ts";
import { deliver, nextTurn, throwIfAborted } from "./asynchronous.ts";
import type { Calls } from "./calls.ts";
import { codedError } from "./coded-error.ts";
import { closedDescriptor } from "./descriptor-calls.ts";
import { lookWith } from "./stat-options.ts";
import type { Streams } from "./streams.ts";
import { handleReadTransfer, vectorTransfer } from "./transfer-calls.ts";
import { webStreamOfBuffers, webStreamOfBytes } from "./web-stream.ts";
import { unpooled } from "./whole-file-calls.ts";
import { writeChunks } from "./write-chunks.ts";

/** What a handle works with. */
export interface HandleContext {
  readonly calls: Calls;
  readonly streams: Streams;
}

/** A stream that works on a handle, which is closed once nothing uses it any more. */
export interface HandleUser {
  /** Sets what is called when the handle is to be closed. */
  readonly onClose: (listener: () => void) => void;
  readonly release: () => void;
}

/** As much as Node writes at once. */
const writePieceBytes = 512 * KIB;

/** An open file of the overlay, with the methods of Node's `FileHandle`. */
export class OverlayFileHandle extends EventEmitter {
  readonly #context: HandleContext;
  #descriptor: number;
  #closing: Promise<void> | undefined;
  /** Streams that use the handle: closing tells them to end, and waits for that. */
  readonly #users = new Set<HandleUser>();
  #whenUnused: () => void = () => {};
  /** A web stream was made of the handle. */
  #isLocked = false;

  constructor(context: HandleContext, descriptor: number) {
    super();
    this.#context = context;
    this.#descriptor = descriptor;
  }

  /** The descriptor, -1 once it is closed. */
  get fd(): number {
    return this.#descriptor;
  }

  getAsyncId(): number {
    return -1;
  }

  async appendFile(data: unknown, options?: unknown): Promise<void> {
    await this.writeFile(data, options);
  }

  chmod(mode: unknown): Promise<void> {
    return this.#run("fchmod", (calls, fd) => calls.fchmod(fd, mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#run("fchown", (calls, fd) => calls.fchown(fd, uid, gid));
  }

  datasync(): Promise<void> {
    return this.#run("fdatasync", (calls, fd) => calls.fdatasync(fd));
  }

  sync(): Promise<void> {
    return this.#run("fsync", (calls, fd) => calls.fsync(fd));
  }

  stat(options?: unknown): Promise<unknown> {
    const look = () => this.#run("fstat", (calls, fd) => calls.fstat(fd, options));
    return this.#descriptor === -1 ? look() : lookWith(options, look);
  }

  truncate(length: unknown = 0): Promise<void> {
    return this.#run("ftruncate", (calls, fd) => calls.ftruncate(fd, length));
  }

  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#run("futimes", (calls, fd) => calls.futimes(fd, atime, mtime));
  }

  read(...values: unknown[]): Promise<{ bytesRead: number; buffer: unknown }> {
    return this.#run("read", (calls, fd) => {
      const { buffer, view, position } = handleReadTransfer(values);
      return { bytesRead: calls.read(fd, view, 0, view.length, position ?? null), buffer };
    });
  }

  readv(buffers: unknown, position?: unknown): Promise<{ bytesRead: number; buffers: unknown }> {
    return this.#run("readv", (calls, fd) => {
      vectorTransfer("readv", closedDescriptor, buffers, position);
      return { bytesRead: calls.readv(fd, buffers, position), buffers };
    });
  }

  async readFile(options?: unknown): Promise<string | Buffer> {
    const { signal } = optionsOf(options);
    await throwIfAborted(signal);
    const content = await this.#run("readFile", (calls, fd) => calls.readFile(fd, options));
    await throwIfAborted(signal);
    return unpooled(content);
  }

  readLines(options?: object): Interface {
    return createInterface({
      input: this.createReadStream(options),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
  }

  /** A second call is refused, also after the first stream has ended: as in Node. */
  readableWebStream(options?: unknown): ReadableStream {
    if (this.#descriptor === -1) throw unusable("closed");
    if (this.#isLocked) throw unusable("locked");
    this.#isLocked = true;
    const { type, autoClose } = optionsOf(options);
    const closes = autoClose === true && nodeHabits.webStreamCloses;
    const make =
      nodeHabits.webStreamIsOfBytes || type === "bytes" ? webStreamOfBytes : webStreamOfBuffers;
    const { stream, end } = make({
      read: async (view) => (await this.read(view)).bytesRead,
      done: async () => (closes ? this.close() : undefined),
    });
    this.once("close", end);
    return stream;
  }

  write(data: unknown, ...rest: unknown[]): Promise<{ bytesWritten: number; buffer: unknown }> {
    return this.#run("write", (calls, fd) => {
      // Node asks the system for nothing then, nor does it look at the other arguments.
      const isEmpty = ArrayBuffer.isView(data) && data.byteLength === 0;
      return { bytesWritten: isEmpty ? 0 : calls.write(fd, data, ...rest), buffer: data };
    });
  }

  writev(
    buffers: unknown,
    position?: unknown,
  ): Promise<{ bytesWritten: number; buffers: unknown }> {
    return this.#run("writev", (calls, fd) => ({
      bytesWritten: calls.writev(fd, buffers, position),
      buffers,
    }));
  }

  async writeFile(data: unknown, options?: unknown): Promise<void> {
    this.#requireOpen("writeFile");
    await writeChunks(data, options, (chunk) =>
      this.#run("writeFile", (calls, fd) => calls.writeFile(fd, chunk, options)),
    );
    const { byteLength = 0 } = (ArrayBuffer.isView(data) ? data : {}) as { byteLength?: number };
    const bytes = typeof data === "string" ? Buffer.byteLength(data) : byteLength;
    // Node looks at the signal before each piece, so that one piece alone is written for good.
    if (bytes > writePieceBytes) await throwIfAborted(optionsOf(options)["signal"]);
  }

  createReadStream(options?: object): fs.ReadStream {
    if (this.#descriptor === -1) checkArguments(() => real.createReadStream("", { fd: -1 }));
    return this.#context.streams.readFrom(this, options);
  }

  createWriteStream(options?: object): fs.WriteStream {
    if (this.#descriptor === -1) checkArguments(() => real.createWriteStream("", { fd: -1 }));
    return this.#context.streams.writeTo(this, options);
  }

  close(): Promise<void> {
    if (this.#descriptor === -1 && this.#closing === undefined) return Promise.resolve();
    if (this.#closing !== undefined) return this.#closing;
    const descriptor = this.#descriptor;
    // What is under way in a stream is brought to its end first.
    const isUsed = this.#users.size > 0;
    const unused = new Promise<void>((resolve) => {
      this.#whenUnused = resolve;
    });
    if (!isUsed) this.#descriptor = -1;
    // Known before streams hear of it: they close the handle as well.
    this.#closing = this.#closeAfter(isUsed ? unused : nextTurn(), descriptor);
    const closing = this.#closing;
    this.emit("close");
    return closing;
  }

  /** Notes a stream on this handle. */
  use(): HandleUser {
    let listener: (() => void) | undefined;
    const user: HandleUser = {
      onClose: (given) => {
        listener = given;
        this.on("close", given);
      },
      release: () => {
        if (listener !== undefined) this.off("close", listener);
        this.#users.delete(user);
        if (this.#users.size === 0) this.#whenUnused();
      },
    };
    this.#users.add(user);
    return user;
  }

  async #closeAfter(unused: Promise<void>, descriptor: number): Promise<void> {
    await unused;
    this.#descriptor = -1;
    this.#context.calls.close(descriptor);
    this.#closing = undefined;
  }

  #run<T>(name: string, run: (calls: Calls, descriptor: number) => T): Promise<T> {
    return deliver(() => {
      this.#requireOpen(name);
      return run(this.#context.calls, this.#descriptor);
    });
  }

  #requireOpen(name: string): void {
    if (this.#descriptor !== -1) return;
    const error = new Error("file closed") as NodeJS.ErrnoException;
    error.code = "EBADF";
    error.syscall = name;
    throw error;
  }
}

Object.defineProperty(OverlayFileHandle.prototype, dirSymbols.asyncDispose, {
  value(this: OverlayFileHandle): Promise<void> {
    return this.close();
  },
});

// Code tells what it was given by this name.
Object.defineProperty(OverlayFileHandle, "name", { value: "FileHandle" });

function unusable(why: "closed" | "locked"): Error {
  return codedError("ERR_INVALID_STATE", `Invalid state: The FileHandle is ${why}`);
}
