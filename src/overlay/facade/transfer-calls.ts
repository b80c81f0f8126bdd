import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { readBufferBytes } from "../../limits.ts";
import { readFrom, writeTo } from "../calls/open.ts";
import type { Core } from "../core.ts";
import { Fault, fileSystemError } from "../file-system-error.ts";
import { attemptOn } from "./attempt.ts";
import { closedDescriptor } from "./descriptor-calls.ts";

/** Bytes that one call may move: more are refused by Node. */
const transferBytesMax = 0x7fff_ffff;

/** A checked request to move bytes: the very view that is meant, and where in the file. */
export interface Transfer {
  readonly view: Uint8Array;
  /** `undefined` is the position of the descriptor, which then moves. */
  readonly position: number | undefined;
}

/** The arguments of a transfer as they were given, options taken apart. */
interface Wanted {
  readonly view: Uint8Array | undefined;
  readonly offset: unknown;
  readonly length: unknown;
  readonly position: unknown;
}

/** What `readSync` is asked for. @throws as Node. */
export function readTransfer(buffer: unknown, ...rest: readonly unknown[]): Transfer {
  const [first] = rest;
  const isOptions = rest.length <= 1 || typeof first === "object";
  const ask = (): unknown => (real.readSync as Ask)(closedDescriptor, buffer, ...rest);
  if (isOptions && first !== undefined && !isTable(first)) checkArguments(ask);
  return readOf(isOptions ? wantedOf(buffer, first) : wantedAt(buffer, rest), ask);
}

/** What `read` is asked for behind the descriptor, its callback taken off. @throws as Node. */
export function laterReadTransfer(values: readonly unknown[]): Transfer & { buffer: unknown } {
  const [first, ...rest] = values;
  let buffer = first;
  let options = rest[0];
  const isGivenByOptions = values.length === 1 && !ArrayBuffer.isView(first);
  if (values.length === 0 || isGivenByOptions) {
    options = first;
    buffer = bufferOf(first);
  }
  const isOptions = values.length <= 2;
  const wanted = isOptions ? wantedOf(buffer, options) : wantedAt(buffer, rest);
  const ask = (): unknown => (real.read as Ask)(closedDescriptor, ...values, () => {});
  // Options that are none are refused, however well their fields would do.
  if (values.length > 0 && isOptions && !isTable(options)) checkArguments(ask);
  return { ...readOf(wanted, ask), buffer };
}

/** What the `read` of a handle is asked for. @throws as Node. */
export function handleReadTransfer(values: readonly unknown[]): Transfer & { buffer: unknown } {
  const [first, ...rest] = values;
  const isView = ArrayBuffer.isView(first);
  if (!isView && first !== undefined && !isTable(first)) askForOptions(first);
  const buffer = isView ? first : bufferOf(first);
  const given = isView ? wantedAt(first, rest) : wantedOf(buffer, first);
  // An object in the place of the offset holds options, also where that is among options itself.
  const isNested = typeof given.offset === "object" && given.offset !== null;
  const wanted = isNested ? wantedOf(buffer, given.offset) : given;
  const { view } = wanted;
  const offset = wanted.offset ?? 0;
  const position = nodeHabits.handleChecksPosition ? wanted.position : placeOf(wanted.position);
  const length = wanted.length ?? (view === undefined ? 0 : view.byteLength - Number(offset));
  const ask = (): unknown => {
    // Reading cuts the length to 32 bits first, which a handle does not. Writing has its limits.
    if (view !== undefined && isBeyond(view, offset, length)) {
      checkArguments(() => (real.writeSync as Ask)(closedDescriptor, buffer, offset, length));
    }
    const count = typeof length === "number" ? withinInt32(length) : length;
    return (real.readSync as Ask)(closedDescriptor, buffer, { offset, length: count, position });
  };
  return { ...readOf({ view, offset, length, position }, ask), buffer };
}

/** Whether a length is wrong although the offset is right. */
function isBeyond({ byteLength }: Uint8Array, offset: unknown, length: unknown): boolean {
  if (typeof length !== "number" || !Number.isSafeInteger(offset) || byteLength === 0) return false;
  const start = offset as number;
  return start >= 0 && start <= byteLength && (length < 0 || length > byteLength - start);
}

function withinInt32(value: number): number {
  return Math.max(-transferBytesMax, Math.min(transferBytesMax, value));
}

function askForOptions(options: unknown): void {
  checkArguments(() => (real.read as Ask)(closedDescriptor, options, () => {}));
}

function readOf({ view, offset, length, position }: Wanted, ask: () => unknown): Transfer {
  if (view !== undefined && fits(view, offset, length) && isPosition(position)) {
    return transferOf(view, offset, length, position);
  }
  checkArguments(ask);
  // Node takes what is no number for one, and looks no further when it is 0.
  const count = Number(typeof length === "bigint" ? length : (length as number)) | 0;
  if (view === undefined || count === 0) return { view: new Uint8Array(), position: undefined };
  return transferOf(view, offset ?? 0, count, position);
}

/** What `write` is asked for. @throws as `fs.write`. */
export function writeTransfer(data: unknown, ...rest: readonly unknown[]): Transfer {
  const ask = (): unknown => (real.writeSync as Ask)(closedDescriptor, data, ...rest);
  if (typeof data === "string") {
    const [position, given] = rest;
    const encoding = isEncoding(given) ? given : "utf8";
    if (encoding !== "utf8") checkArguments(ask);
    return { view: Buffer.from(data, encoding), position: placeOf(position) };
  }
  const [first] = rest;
  const { view, offset, length, position } =
    typeof first === "object" ? wantedOf(data, first) : wantedAt(data, rest);
  const start = offset ?? 0;
  if (view === undefined || typeof start !== "number") checkArguments(ask);
  const bytes = view ?? noBytes;
  const count = typeof length === "number" ? length : bytes.byteLength - (start as number);
  if (!fits(bytes, start, count)) checkArguments(ask);
  return transferOf(bytes, start, count, typeof position === "number" ? position : null);
}

const noBytes = new Uint8Array();

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === "string" && Buffer.isEncoding(value);
}

type Ask = (...input: unknown[]) => unknown;

/** Options in the place of the offset; only what is left out has a default. */
function wantedOf(buffer: unknown, options: unknown): Wanted {
  const given = (options ?? {}) as Readonly<Record<string, unknown>>;
  const { offset = 0, position = null } = given;
  const { length = (buffer as ArrayBufferView | undefined)?.byteLength } = given;
  const isWhole = given["length"] === undefined && typeof length === "number";
  return {
    view: viewOf(buffer),
    offset,
    length: isWhole ? length - (offset as number) : length,
    position,
  };
}

function wantedAt(buffer: unknown, [offset, length, position]: readonly unknown[]): Wanted {
  return { view: viewOf(buffer), offset, length, position };
}

/** The buffer of options, or a new one where they name none. */
function bufferOf(options: unknown): unknown {
  const { buffer = Buffer.alloc(readBufferBytes) } = (options ?? {}) as { buffer?: unknown };
  return buffer;
}

/** Whether a value may be options to Node: an object that is no list. */
function isTable(value: unknown): boolean {
  return value === null || (typeof value === "object" && !Array.isArray(value));
}

/** What `readv` or `writev` is asked for. @throws as Node. */
export function vectorTransfer(
  call: "readv" | "writev",
  descriptor: unknown,
  buffers: unknown,
  position: unknown,
): { readonly views: Uint8Array[]; readonly position: number | undefined } {
  const isVector = Array.isArray(buffers) && buffers.every((buffer) => ArrayBuffer.isView(buffer));
  if (!isVector) {
    // A wrong descriptor is told first.
    const asked = isDescriptor(descriptor) ? closedDescriptor : (descriptor as number);
    checkArguments(() => real[`${call}Sync`](asked, buffers as Uint8Array[]));
  }
  const views = (buffers as ArrayBufferView[]).map((buffer) => viewOf(buffer) ?? new Uint8Array());
  return { views, position: placeOf(position) };
}

function isDescriptor(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
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
      const vector = vectorTransfer("readv", descriptor, buffers, position);
      if (!core.descriptors.isOwn(descriptor)) {
        return real.readvSync(descriptor, vector.views, vector.position);
      }
      if (vector.views.length === 0) throw fileSystemError("EINVAL", { syscall: "read" });
      return attemptOn("read", () => {
        const file = core.descriptors.get(descriptor);
        if (!file.isReadable) throw new Fault("EBADF");
        const isAlone = vector.views.length === 1;
        return moveAll(vector, ({ view, position: at }) =>
          // Of several empty ones the kernel makes nothing; one it reads into like any.
          view.length === 0 && !isAlone ? 0 : readFrom(core, file, view, at),
        );
      });
    },
    writev(descriptor: number, buffers: unknown, position?: unknown): number {
      const vector = vectorTransfer("writev", descriptor, buffers, position);
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
  const at =
    typeof position === "bigint" && position >= 0
      ? Math.min(Number(position), Number.MAX_SAFE_INTEGER)
      : placeOf(position);
  return { view: view.subarray(start, start + Number(length)), position: at };
}

/** Where in the file a number leads; any other, broken ones too, is the descriptor's position. */
function placeOf(position: unknown): number | undefined {
  return Number.isSafeInteger(position) && (position as number) >= 0
    ? (position as number)
    : undefined;
}

function fits(view: Uint8Array, offset: unknown, length: unknown): boolean {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return false;
  const start = offset as number;
  const count = length as number;
  const isEmptyRead = view.byteLength === 0 && count !== 0;
  const isCountable = count >= 0 && count <= transferBytesMax;
  return start >= 0 && isCountable && start + count <= view.byteLength && !isEmptyRead;
}

function isPosition(position: unknown): boolean {
  if (position === undefined || position === null) return true;
  if (typeof position === "bigint") return position >= -1n && position <= Number.MAX_SAFE_INTEGER;
  return Number.isSafeInteger(position) && (position as number) >= -1;
}
