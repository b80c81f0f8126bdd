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
    const prepare = (options: unknown): Options => this.#prepared(options);
    this.ReadStream = sharing(NodeReadStream, prepare);
    this.WriteStream = sharing(NodeWriteStream, prepare);
  }

  /** `fs.createReadStream`. */
  read(path: unknown, options?: unknown): fs.ReadStream {
    return new NodeReadStream(path, this.#prepared(options));
  }

  /** `fs.createWriteStream`. */
  write(path: unknown, options?: unknown): fs.WriteStream {
    return new NodeWriteStream(path, this.#prepared(options));
  }

  /** A stream that reads from an open handle, and closes it unless told otherwise. */
  readFrom(handle: OverlayFileHandle, options: object = {}): fs.ReadStream {
    return new NodeReadStream(undefined, this.#onHandle(handle, options));
  }

  /** A stream that writes to an open handle, and closes it unless told otherwise. */
  writeTo(handle: OverlayFileHandle, options: object = {}): fs.WriteStream {
    return new NodeWriteStream(undefined, this.#onHandle(handle, options));
  }

  #prepared(options: unknown): Options {
    const given = optionsOf(options);
    const { fd } = given;
    if (fd instanceof OverlayFileHandle) return this.#onHandle(fd, given);
    return { fs: this.#fileSystem, ...given };
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

/**
 * Node's constructor with other options. Like Node's it may be called without `new`, and on an
 * object of a class derived from it, which is how `graceful-fs` does it.
 */
function sharing<T>(base: unknown, prepare: (options: unknown) => Options): T {
  const Base = base as StreamClass<object> & { prototype: object };
  const shared = function (this: unknown, path: unknown, options?: unknown): unknown {
    if (!(this instanceof Base)) return new Base(path, prepare(options));
    Reflect.apply(Base as unknown as (...values: unknown[]) => void, this, [
      path,
      prepare(options),
    ]);
    return this;
  };
  shared.prototype = Base.prototype;
  Object.setPrototypeOf(shared, Base);
  return shared as unknown as T;
}
