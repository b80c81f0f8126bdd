import { checkArguments, realFileSystem as real } from "../../disk/lower-classes.ts";
import type { Core } from "../core.ts";
import { fileSystemError } from "../file-system-error.ts";
import { readFrom, writeTo } from "../open.ts";
import { attemptOn } from "./attempt.ts";
import { closedDescriptor } from "./descriptor-calls.ts";

/** A checked request to move bytes: the very view that is meant, and where in the file. */
export interface Transfer {
  readonly view: Uint8Array;
  /** `undefined` is the position of the descriptor, which then moves. */
  readonly position: number | undefined;
}

/** What `read` is asked for. @throws as `fs.read`. */
export function readTransfer(buffer: unknown, ...rest: readonly unknown[]): Transfer {
  const [first] = rest;
  const isOptions = rest.length <= 1 || (typeof first === "object" && first !== null);
  const values = isOptions ? optionsOfTransfer(first) : rest;
  const view = viewOf(buffer);
  const offset = values[0] ?? 0;
  const length = values[1] ?? (view === undefined ? 0 : view.byteLength - Number(offset));
  const position = values[2];
  if (view === undefined || !fits(view, offset, length) || !isPosition(position)) {
    checkArguments(() =>
      real.readSync(
        closedDescriptor,
        buffer as Uint8Array,
        offset as number,
        length as number,
        position as number,
      ),
    );
  }
  return transferOf(view ?? new Uint8Array(), offset, length, position);
}

/** What `write` is asked for. @throws as `fs.write`. */
export function writeTransfer(data: unknown, ...rest: readonly unknown[]): Transfer {
  if (typeof data === "string") {
    const [position, encoding] = rest;
    if (encoding !== undefined && encoding !== null && !Buffer.isEncoding(encoding as string)) {
      checkArguments(() => {
        real.writeSync(closedDescriptor, data, null, encoding as BufferEncoding);
      });
    }
    const bytes = Buffer.from(data, (encoding ?? "utf8") as BufferEncoding);
    return { view: bytes, position: typeof position === "number" ? position : undefined };
  }
  const [first] = rest;
  const values = typeof first === "object" && first !== null ? optionsOfTransfer(first) : rest;
  const view = viewOf(data);
  const offset = values[0] ?? 0;
  const length =
    typeof values[1] === "number"
      ? values[1]
      : view === undefined
        ? 0
        : view.byteLength - Number(offset);
  const position = typeof values[2] === "number" ? values[2] : undefined;
  if (view === undefined || !fits(view, offset, length)) {
    checkArguments(() => {
      real.writeSync(closedDescriptor, data as Uint8Array, offset as number, length, null);
    });
  }
  return transferOf(view ?? new Uint8Array(), offset, length, position);
}

/** What `readv` or `writev` is asked for. @throws as Node. */
export function vectorTransfer(
  call: "readv" | "writev",
  buffers: unknown,
  position: unknown,
): { readonly views: Uint8Array[]; readonly position: number | undefined } {
  const isVector = Array.isArray(buffers) && buffers.every((buffer) => ArrayBuffer.isView(buffer));
  if (!isVector) {
    checkArguments(() => real[`${call}Sync`](closedDescriptor, buffers as Uint8Array[]));
  }
  const views = (buffers as ArrayBufferView[]).map((buffer) => viewOf(buffer) ?? new Uint8Array());
  return { views, position: typeof position === "number" ? position : undefined };
}

/** The functions that move bytes through a descriptor. */
export function transferCalls(core: Core) {
  const read = (descriptor: number, transfer: Transfer): number =>
    attemptOn("read", () =>
      transfer.view.length === 0
        ? 0
        : readFrom(core, core.descriptors.get(descriptor), transfer.view, transfer.position),
    );
  const write = (descriptor: number, transfer: Transfer): number =>
    attemptOn("write", () =>
      writeTo(core, core.descriptors.get(descriptor), transfer.view, transfer.position),
    );
  return {
    read(descriptor: number, buffer: unknown, ...rest: unknown[]): number {
      if (!core.descriptors.isOwn(descriptor)) {
        return real.readSync(descriptor, buffer as Uint8Array, ...(rest as []));
      }
      return read(descriptor, readTransfer(buffer, ...rest));
    },
    write(descriptor: number, data: unknown, ...rest: unknown[]): number {
      if (!core.descriptors.isOwn(descriptor)) {
        return real.writeSync(descriptor, data as Uint8Array, ...(rest as []));
      }
      return write(descriptor, writeTransfer(data, ...rest));
    },
    readv(descriptor: number, buffers: unknown, position?: unknown): number {
      const vector = vectorTransfer("readv", buffers, position);
      if (!core.descriptors.isOwn(descriptor)) {
        return real.readvSync(descriptor, vector.views, vector.position);
      }
      if (vector.views.length === 0) throw fileSystemError("EINVAL", { syscall: "read" });
      return moveAll(vector, (transfer) => read(descriptor, transfer));
    },
    writev(descriptor: number, buffers: unknown, position?: unknown): number {
      const vector = vectorTransfer("writev", buffers, position);
      if (!core.descriptors.isOwn(descriptor)) {
        return real.writevSync(descriptor, vector.views, vector.position);
      }
      return moveAll(vector, (transfer) => write(descriptor, transfer));
    },
  };
}

function moveAll(
  vector: { readonly views: Uint8Array[]; readonly position: number | undefined },
  move: (transfer: Transfer) => number,
): number {
  let total = 0;
  for (const view of vector.views) {
    const position = vector.position === undefined ? undefined : vector.position + total;
    const count = move({ view, position });
    total += count;
    if (count < view.length) break;
  }
  return total;
}

function viewOf(buffer: unknown): Uint8Array | undefined {
  if (buffer instanceof Uint8Array) return buffer;
  if (!ArrayBuffer.isView(buffer)) return undefined;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function transferOf(
  view: Uint8Array,
  offset: unknown,
  length: unknown,
  position: unknown,
): Transfer {
  const start = Number(offset);
  const at = typeof position === "bigint" ? Number(position) : position;
  const isGiven = typeof at === "number" && at >= 0;
  return {
    view: view.subarray(start, start + Number(length)),
    position: isGiven ? at : undefined,
  };
}

function optionsOfTransfer(options: unknown): readonly unknown[] {
  if (options === undefined || options === null || typeof options !== "object") return [];
  const { offset, length, position } = options as Readonly<Record<string, unknown>>;
  return [offset, length, position];
}

function fits(view: Uint8Array, offset: unknown, length: unknown): boolean {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return false;
  const start = offset as number;
  const count = length as number;
  const isEmptyRead = view.byteLength === 0 && count !== 0;
  return start >= 0 && count >= 0 && start + count <= view.byteLength && !isEmptyRead;
}

function isPosition(position: unknown): boolean {
  if (position === undefined || position === null) return true;
  if (typeof position === "bigint") return position >= -1n;
  return Number.isSafeInteger(position) && (position as number) >= -1;
}
