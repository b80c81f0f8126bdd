import type fs from "node:fs";
import { realFileSystem as real } from "../../disk/lower-classes.ts";
import { OverlayFileHandle } from "./file-handle.ts";

/** The functions that a stream of Node needs of a file system, in callback form. */
export type StreamFs = Readonly<
  Record<"open" | "read" | "write" | "writev" | "close" | "fsync", unknown>
>;

type Options = Readonly<Record<string, unknown>>;
type StreamClass<T> = new (path: unknown, options?: Options) => T;

const NodeReadStream = real.ReadStream as unknown as StreamClass<fs.ReadStream>;
const NodeWriteStream = real.WriteStream as unknown as StreamClass<fs.WriteStream>;

/** Node's own streams, made to work on the overlay's functions. */
export class Streams {
  readonly ReadStream: typeof fs.ReadStream;
  readonly WriteStream: typeof fs.WriteStream;
  readonly #fileSystem: StreamFs;

  constructor(fileSystem: StreamFs) {
    this.#fileSystem = fileSystem;
    this.ReadStream = sharing(NodeReadStream, (path, options) => this.read(path, options));
    this.WriteStream = sharing(NodeWriteStream, (path, options) => this.write(path, options));
  }

  /** `fs.createReadStream`. */
  read(path: unknown, options?: unknown): fs.ReadStream {
    const given = optionsOf(options);
    if (given["fd"] instanceof OverlayFileHandle) return this.readFrom(given["fd"], given);
    return new NodeReadStream(path, { fs: this.#fileSystem, ...given });
  }

  /** `fs.createWriteStream`. */
  write(path: unknown, options?: unknown): fs.WriteStream {
    const given = optionsOf(options);
    if (given["fd"] instanceof OverlayFileHandle) return this.writeTo(given["fd"], given);
    return new NodeWriteStream(path, { fs: this.#fileSystem, ...given });
  }

  /** A stream that reads from an open handle, and closes it unless told otherwise. */
  readFrom(handle: OverlayFileHandle, options: object = {}): fs.ReadStream {
    return new NodeReadStream(undefined, this.#onHandle(handle, options));
  }

  /** A stream that writes to an open handle, and closes it unless told otherwise. */
  writeTo(handle: OverlayFileHandle, options: object = {}): fs.WriteStream {
    return new NodeWriteStream(undefined, this.#onHandle(handle, options));
  }

  #onHandle(handle: OverlayFileHandle, options: object): Options {
    const close = (_descriptor: number, callback: (error: unknown) => void): void => {
      handle.close().then(() => callback(null), callback);
    };
    return { ...options, fd: handle.fd, fs: { ...this.#fileSystem, close } };
  }
}

function optionsOf(options: unknown): Options {
  if (typeof options === "string") return { encoding: options };
  return (options ?? {}) as Options;
}

/** A constructor, callable without `new` as Node's, whose instances are Node's own. */
function sharing<T extends abstract new (...values: never[]) => unknown>(
  base: unknown,
  make: (path: unknown, options: unknown) => unknown,
): T {
  const shared = ((path: unknown, options?: unknown): unknown =>
    make(path, options)) as unknown as { prototype: unknown };
  shared.prototype = (base as { prototype: unknown }).prototype;
  Object.setPrototypeOf(shared, base as object);
  return shared as unknown as T;
}
