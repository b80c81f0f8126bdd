import type { EventEmitter } from "node:events";
import type fs from "node:fs";
import { realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { codedError } from "./coded-error.ts";
import { type HandleUser, OverlayFileHandle } from "./file-handle.ts";

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
  readonly #fileSystem: () => StreamFs;

  /** @param fileSystem what streams work on, looked at when one is made: it may be patched. */
  constructor(fileSystem: () => StreamFs) {
    this.#fileSystem = fileSystem;
    this.ReadStream = sharing(NodeReadStream, (...values) => this.read(...values));
    this.WriteStream = sharing(NodeWriteStream, (...values) => this.write(...values));
  }

  /** `fs.createReadStream`, on an object of a derived class where one is given. */
  read(path: unknown, options?: unknown, target?: object): fs.ReadStream {
    return this.#make(NodeReadStream, [path, options], target);
  }

  /** `fs.createWriteStream`, on an object of a derived class where one is given. */
  write(path: unknown, options?: unknown, target?: object): fs.WriteStream {
    return this.#make(NodeWriteStream, [path, options], target);
  }

  /** A stream that reads from an open handle, and closes it unless told otherwise. */
  readFrom(handle: OverlayFileHandle, options: object = {}): fs.ReadStream {
    return this.read(undefined, { ...options, fd: handle });
  }

  /** A stream that writes to an open handle, and closes it unless told otherwise. */
  writeTo(handle: OverlayFileHandle, options: object = {}): fs.WriteStream {
    return this.write(undefined, { ...options, fd: handle });
  }

  #make<T extends fs.ReadStream | fs.WriteStream>(
    Base: StreamClass<T>,
    [path, options]: readonly [unknown, unknown],
    target: object | undefined,
  ): T {
    const given = optionsOf(options);
    // Node refuses what are no options.
    if (given === undefined) return new Base(path, options as Options);
    const { fd: handle } = given;
    if (!(handle instanceof OverlayFileHandle)) {
      const prepared = given["fs"] ? given : withOptions(given, { fs: this.#fileSystem() });
      return construct(Base, [path, prepared], target);
    }
    if (given["fs"]) {
      const message = "The FileHandle with fs method is not implemented";
      throw codedError("ERR_METHOD_NOT_IMPLEMENTED", message);
    }
    const user = handle.use();
    const close = (_descriptor: number, callback: (error: unknown) => void): void => {
      user.release();
      handle.close().then(() => callback(null), callback);
    };
    const fileSystem = Object.create(this.#fileSystem(), { close: { value: close } }) as StreamFs;
    const prepared = withOptions(given, { fd: handle.fd, fs: fileSystem });
    return this.#attached(user, () => construct(Base, [path, prepared], target));
  }

  /** Ends a stream when its handle is closed, and lets the handle go when the stream has ended. */
  #attached<T extends fs.ReadStream | fs.WriteStream>(user: HandleUser, make: () => T): T {
    let stream: T;
    try {
      stream = make();
    } catch (error) {
      user.release();
      throw error;
    }
    user.onClose(() => stream.close());
    const emitter: EventEmitter = stream;
    emitter.once("close", () => user.release());
    if ((stream as { autoClose?: boolean }).autoClose === false) {
      emitter.once("end", () => user.release());
      emitter.once("finish", () => user.release());
    }
    return stream;
  }
}

/** Options of a stream; `undefined` where they are none. */
function optionsOf(options: unknown): Options | undefined {
  if (typeof options === "string") return { encoding: options };
  if (options === undefined || options === null || typeof options === "function") return {};
  return typeof options === "object" ? (options as Options) : undefined;
}

/** Options on a prototype count as well. */
function withOptions(options: Options, more: Options): Options {
  const entries = Object.entries(more).map(([name, value]) => [name, { value, enumerable: true }]);
  return Object.create(options, Object.fromEntries(entries)) as Options;
}

function construct<T>(
  Base: StreamClass<T>,
  values: readonly [unknown, Options],
  target: object | undefined,
): T {
  if (target === undefined) return new Base(...values);
  Reflect.apply(Base as unknown as (...all: unknown[]) => void, target, values);
  return target as T;
}

/**
 * Node's constructor with other options. Like Node's it may be called without `new`, and on an
 * object of a class derived from it, which is how `graceful-fs` does it.
 */
function sharing<T>(
  base: unknown,
  make: (path: unknown, options: unknown, target?: object) => object,
): T {
  const Base = base as StreamClass<object> & { prototype: object };
  const shared = function (this: unknown, path: unknown, options?: unknown): unknown {
    return make(path, options, this instanceof Base ? this : undefined);
  };
  shared.prototype = Base.prototype;
  Object.setPrototypeOf(shared, Base);
  return shared as unknown as T;
}
