import { checkArguments, constants, realFileSystem as real } from "../../disk/lower-classes.ts";
import type { Core } from "../core.ts";
import type { OpenFile } from "../descriptors.ts";
import { openFile, readFrom, truncateOpen, writeTo } from "../open.ts";
import {
  bytesOf,
  encodingOf,
  flagsOf,
  modeOf,
  optionsOf,
  type PathArgument,
  pathOf,
} from "./arguments.ts";
import { attempt, attemptOn } from "./attempt.ts";
import { lengthOf } from "./descriptor-calls.ts";

/** The functions on the whole content of a file. */
export function wholeFileCalls(core: Core) {
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

    truncate(path: PathArgument, length?: unknown): void {
      const target = pathOf(path);
      const size = lengthOf(length);
      const file = attempt("open", path, undefined, () =>
        openFile(core, target, constants.O_RDWR, 0),
      );
      attemptOn("ftruncate", () => truncateOpen(core, file, size));
    },
  };
}

function readWhole(core: Core, path: PathArgument | number, flag: unknown): Buffer {
  if (typeof path === "number") {
    if (!core.descriptors.isOwn(path)) return real.readFileSync(path);
    const file = attemptOn("fstat", () => core.descriptors.get(path));
    return attemptOn("read", () => readRest(core, file));
  }
  const target = pathOf(path);
  const flags = flagsOf(flag, "r");
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, 0o666));
  const descriptor = core.descriptors.add(file);
  try {
    return attemptOn("read", () => readRest(core, file));
  } finally {
    core.descriptors.close(descriptor);
  }
}

/** All bytes from the position of an open file to its end. */
export function readRest(core: Core, file: OpenFile): Buffer {
  if (file.lowerDescriptor !== undefined && file.position === 0) {
    const bytes = core.lower.readWhole(file.lowerDescriptor);
    file.position = bytes.length;
    return bytes;
  }
  const size = core.sizeOf(file);
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
  const { flag, mode, flush } = optionsOf(options);
  if (flush !== undefined && flush !== null && typeof flush !== "boolean") {
    checkArguments((nowhere) => real.writeFileSync(nowhere, "", { flush } as object));
  }
  const bytes = bytesOf(data, encodingOf(options));
  if (typeof path === "number") {
    writeOpen(core, path, bytes);
    return;
  }
  const target = pathOf(path);
  const flags = flagsOf(flag, fallback);
  const bits = modeOf(mode, 0o666);
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, bits));
  if (bytes.length > 0) attemptOn("write", () => writeTo(core, file, bytes, undefined));
}

function writeOpen(core: Core, descriptor: number, bytes: Uint8Array): void {
  if (core.descriptors.isOwn(descriptor)) {
    attemptOn("write", () => writeTo(core, core.descriptors.get(descriptor), bytes, undefined));
    return;
  }
  real.writeFileSync(descriptor, bytes);
}
