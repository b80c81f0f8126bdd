import { realFileSystem as real } from "../../disk/lower-classes.ts";
import { setMode, setOwner, setTimes } from "../attributes.ts";
import type { Core } from "../core.ts";
import { requireOwner } from "../credentials.ts";
import type { OpenFile } from "../descriptors.ts";
import type { Node } from "../node.ts";
import { openFile, readFrom, truncateOpen, writeTo } from "../open.ts";
import { bigIntStatsOf, statsOf } from "../stats.ts";
import {
  bytesOf,
  encodingOf,
  flagsOf,
  modeOf,
  optionsOf,
  type PathArgument,
  pathOf,
  timeOf,
} from "./arguments.ts";
import { attempt } from "./synchronous.ts";

/** The functions on descriptors and on whole contents. */
export function contentCalls(core: Core) {
  return { ...descriptorCalls(core), ...wholeFileCalls(core) };
}

function descriptorCalls(core: Core) {
  const node = (file: OpenFile): Node => core.nodeOf(file);
  return {
    close(descriptor: number): void {
      if (!core.descriptors.isOwn(descriptor)) return real.closeSync(descriptor);
      attempt("close", undefined, undefined, () => core.descriptors.close(descriptor));
    },
    fstat(descriptor: number, options?: { bigint?: boolean }): unknown {
      if (!core.descriptors.isOwn(descriptor)) return real.fstatSync(descriptor, options);
      return attempt("fstat", undefined, undefined, () => {
        const file = core.descriptors.get(descriptor);
        if (file.lowerDescriptor !== undefined) {
          return core.lower.fs.fstatSync(file.lowerDescriptor, options as { bigint: false });
        }
        return options?.bigint === true ? bigIntStatsOf(node(file)) : statsOf(node(file));
      });
    },
    fsync(descriptor: number): void {
      if (!core.descriptors.isOwn(descriptor)) return real.fsyncSync(descriptor);
      attempt("fsync", undefined, undefined, () => core.descriptors.get(descriptor));
    },
    fdatasync(descriptor: number): void {
      if (!core.descriptors.isOwn(descriptor)) return real.fdatasyncSync(descriptor);
      attempt("fdatasync", undefined, undefined, () => core.descriptors.get(descriptor));
    },
    ftruncate(descriptor: number, length = 0): void {
      if (!core.descriptors.isOwn(descriptor)) return real.ftruncateSync(descriptor, length);
      attempt("ftruncate", undefined, undefined, () =>
        truncateOpen(core, core.descriptors.get(descriptor), Math.max(0, length)),
      );
    },
    fchmod(descriptor: number, mode: unknown): void {
      const bits = modeOf(mode, 0);
      if (!core.descriptors.isOwn(descriptor)) return real.fchmodSync(descriptor, bits);
      attempt("fchmod", undefined, undefined, () => {
        const target = node(core.descriptors.get(descriptor));
        requireOwner(target);
        setMode(core, target, bits);
      });
    },
    fchown(descriptor: number, uid: number, gid: number): void {
      if (!core.descriptors.isOwn(descriptor)) return real.fchownSync(descriptor, uid, gid);
      attempt("fchown", undefined, undefined, () =>
        setOwner(core, node(core.descriptors.get(descriptor)), { uid, gid }),
      );
    },
    futimes(descriptor: number, atime: unknown, mtime: unknown): void {
      if (!core.descriptors.isOwn(descriptor)) {
        return real.futimesSync(descriptor, atime as number, mtime as number);
      }
      const times = { atime: timeOf(atime), mtime: timeOf(mtime) };
      attempt("futime", undefined, undefined, () => {
        const target = node(core.descriptors.get(descriptor));
        requireOwner(target);
        setTimes(core, target, times);
      });
    },
    /** Reads into a view that is exactly what is to be filled. */
    readView(descriptor: number, view: Uint8Array, position: number | undefined): number {
      return attempt("read", undefined, undefined, () =>
        readFrom(core, core.descriptors.get(descriptor), view, position),
      );
    },
    writeView(descriptor: number, view: Uint8Array, position: number | undefined): number {
      return attempt("write", undefined, undefined, () =>
        writeTo(core, core.descriptors.get(descriptor), view, position),
      );
    },
  };
}

function wholeFileCalls(core: Core) {
  return {
    readFile(path: PathArgument | number, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const bytes = readWhole(core, path, optionsOf(options)["flag"]);
      return encoding === undefined || encoding === "buffer" ? bytes : bytes.toString(encoding);
    },
    writeFile(path: PathArgument | number, data: unknown, options?: unknown): void {
      writeWhole(core, path, data, options, "w");
    },
    appendFile(path: PathArgument | number, data: unknown, options?: unknown): void {
      writeWhole(core, path, data, options, "a");
    },
  };
}

function readWhole(core: Core, path: PathArgument | number, flag: unknown): Buffer {
  if (typeof path === "number") {
    if (!core.descriptors.isOwn(path)) return real.readFileSync(path);
    return attempt("read", undefined, undefined, () => readRest(core, core.descriptors.get(path)));
  }
  const target = pathOf(path);
  const flags = flagsOf(flag, "r");
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, 0o666));
  const descriptor = core.descriptors.add(file);
  try {
    return attempt("read", undefined, undefined, () => readRest(core, file));
  } finally {
    core.descriptors.close(descriptor);
  }
}

/** All bytes from the position of an open file to its end. */
function readRest(core: Core, file: OpenFile): Buffer {
  if (file.lowerDescriptor !== undefined && file.position === 0) {
    return core.lower.fs.readFileSync(file.lowerDescriptor);
  }
  const size = file.node?.kind === "file" ? file.node.content.size : 0;
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, size - file.position));
  const count = readFrom(core, file, buffer, undefined);
  return count === buffer.length ? buffer : buffer.subarray(0, count);
}

function writeWhole(
  core: Core,
  path: PathArgument | number,
  data: unknown,
  options: unknown,
  fallback: string,
): void {
  const bytes = bytesOf(data, encodingOf(options));
  const { flag, mode } = optionsOf(options);
  if (typeof path === "number") {
    if (!core.descriptors.isOwn(path)) {
      real.writeSync(path, bytes);
      return;
    }
    attempt("write", undefined, undefined, () =>
      writeTo(core, core.descriptors.get(path), bytes, undefined),
    );
    return;
  }
  const target = pathOf(path);
  const flags = flagsOf(flag, fallback);
  const bits = modeOf(mode, 0o666);
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, bits));
  attempt("write", undefined, undefined, () => writeTo(core, file, bytes, undefined));
}
