import { Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { checkFunction, checkOptions } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { chunkBytes } from "../../limits.ts";
import { type MeasuringOptions, meterFrom } from "../../metrics/meter.ts";
import { checkOverlay, checkPath, checkSource } from "../check-input.ts";
import {
  readStreamNames,
  streamNames,
  streamWriterNames,
  transformStreamNames,
} from "../option-names.ts";
import { absolutePathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { ChunkWriter, type StreamReceipt } from "./chunk-writer.ts";
import { stoppable } from "./stoppable-source.ts";
import { TextPieces } from "./text-pieces.ts";
import { untilIdle } from "./until-idle.ts";

/**
 * Content that comes in pieces of any size. Strings are UTF-8; a character may be split between two
 * of them.
 */
export type StreamSource = Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

export interface StreamOptions extends MeasuringOptions {
  /** Stops the stream, also while it waits for its source; the file stays as it was. */
  readonly signal?: AbortSignal;
  /** Called after every chunk with the bytes taken so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Writes a file from a source of any size with one chunk (1 MiB) in memory. The next piece is asked
 * for when the last one is written, so a fast source waits for a slow overlay.
 *
 * @throws {DraftError} `DRAFT_ABORTED` on the signal; whatever the source throws. The file is then
 *   as it was.
 */
export async function writeStream(
  overlay: EngineOverlay,
  path: string,
  source: StreamSource,
  options: StreamOptions = {},
): Promise<StreamReceipt> {
  checkOverlay("writeStream", overlay);
  checkPath("writeStream", path);
  checkOptions("writeStream", options, streamNames);
  checkSource("writeStream", source);
  return await meterFrom(options).measure(
    { name: "write_stream", path, sizeBytes: 0 },
    () => writePieces(overlay, path, source, options),
    streamReport,
  );
}

/** Plain code writes the content with one call; what streams save is memory. */
function streamReport({ bytes, chunks }: StreamReceipt) {
  return {
    io: { reads: 0, writes: chunks, deletes: 0, moves: 1, bytesWritten: bytes },
    optimization: "stream" as const,
    baselineCalls: 0,
    sizeBytes: bytes,
  };
}

async function writePieces(
  overlay: EngineOverlay,
  path: string,
  source: StreamSource,
  options: StreamOptions,
): Promise<StreamReceipt> {
  const writer = await ChunkWriter.open(overlay, path);
  const pieces = new TextPieces();
  try {
    let reported = 0;
    stopIfAborted(options.signal, path);
    for await (const piece of stoppableSource(source, path, options.signal)) {
      if (overlay.idle !== undefined) await untilIdle(overlay);
      stopIfAborted(options.signal, path);
      writer.write(pieces.bytesOf(piece));
      if (writer.bytes - reported < chunkBytes) continue;
      reported = writer.bytes;
      options.onProgress?.(reported);
      await setImmediate();
    }
    stopIfAborted(options.signal, path);
    pieces.end();
    await untilIdle(overlay);
    return writer.finish();
  } finally {
    await untilIdle(overlay);
    writer.discard();
  }
}

/** How a file is read as a stream. */
export interface ReadStreamOptions {
  /**
   * Whether one buffer serves for all chunks: each is valid only until the next one is asked for,
   * and whoever keeps a part of it has to copy it. Without it every chunk is a new one, and many of
   * them may wait for the collector of garbage, up to some 64 MB.
   */
  readonly reuseChunk?: boolean;
}

/** The content of a file in chunks of at most 1 MiB, read when they are asked for. */
export async function* readStream(
  overlay: EngineOverlay,
  path: string,
  options: ReadStreamOptions = {},
): AsyncGenerator<Buffer> {
  checkOverlay("readStream", overlay);
  checkPath("readStream", path);
  checkOptions("readStream", options, readStreamNames);
  const descriptor = overlay.fs.openSync(absolutePathOf(overlay, path), "r");
  try {
    let reused: Buffer | undefined;
    for (let position = 0; ; ) {
      const chunk = reused ?? Buffer.allocUnsafeSlow(chunkBytes);
      if (options.reuseChunk === true) reused = chunk;
      const count = overlay.fs.readSync(descriptor, chunk, 0, chunk.length, position);
      if (count === 0) return;
      position += count;
      yield chunk.subarray(0, count);
    }
  } finally {
    overlay.fs.closeSync(descriptor);
  }
}

/** Turns chunks into other chunks, one after the other. */
export type StreamTransform = (chunks: AsyncIterable<Buffer>) => StreamSource;

/** Writes `target` from what `transform` makes of `source`; the two may be the same file. */
export async function transformStream(
  overlay: EngineOverlay,
  source: string,
  target: string,
  transform: StreamTransform,
  options: StreamOptions & ReadStreamOptions = {},
): Promise<StreamReceipt> {
  checkFunction("transformStream", transform, "makes chunks of chunks");
  checkOptions("transformStream", options, transformStreamNames);
  const { reuseChunk, ...rest } = options;
  const chunks = readStream(overlay, source, reuseChunk === undefined ? {} : { reuseChunk });
  return await writeStream(overlay, target, transform(chunks), rest);
}

/** How a Node stream writes. */
export interface StreamWriterOptions extends MeasuringOptions {
  /** Called when the file is in its place. */
  readonly onFinish?: (receipt: StreamReceipt) => void;
}

/**
 * A Node stream that writes a file, for `pipeline`. The file appears when the stream finishes, and
 * never when it is destroyed before.
 */
export function createStreamWriter(
  overlay: EngineOverlay,
  path: string,
  options: StreamWriterOptions = {},
): Writable {
  checkOverlay("createStreamWriter", overlay);
  checkPath("createStreamWriter", path);
  checkOptions("createStreamWriter", options, streamWriterNames);
  let writer: ChunkWriter | undefined;
  const pieces = new TextPieces();
  const end = measuredEnd(path, options);
  return new Writable({
    highWaterMark: chunkBytes,
    // Node would encode every string by itself, and make two replacement characters of a split one.
    decodeStrings: false,
    construct(done) {
      ChunkWriter.open(overlay, path).then((opened) => {
        writer = opened;
        done();
      }, done);
    },
    write(piece: Buffer | string, encoding, done) {
      const isUtf8 = typeof piece !== "string" || /^utf-?8$/i.test(encoding);
      attempt(overlay, done, () => {
        writer?.write(pieces.bytesOf(isUtf8 ? piece : Buffer.from(piece, encoding)));
      });
    },
    final(done) {
      attempt(overlay, done, () => {
        pieces.end();
        const receipt = writer?.finish();
        if (receipt === undefined) return;
        end.succeed(receipt);
        options.onFinish?.(receipt);
      });
    },
    destroy(error, done) {
      end.fail();
      attempt(
        overlay,
        (failure) => done(failure ?? error),
        () => writer?.discard(),
      );
    },
  });
}

/** Measures a stream from here to the first of its ends. */
function measuredEnd(path: string, options: MeasuringOptions) {
  let succeed: (receipt: StreamReceipt) => void = () => undefined;
  let fail: () => void = () => undefined;
  const end = () =>
    new Promise<StreamReceipt>((resolve, reject) => {
      succeed = resolve;
      fail = reject;
    });
  const operation = { name: "write_stream", path, sizeBytes: 0 };
  // Whoever writes hears of a failure from the stream itself.
  meterFrom(options)
    .measure(operation, end, streamReport)
    .catch(() => undefined);
  return { succeed: (receipt: StreamReceipt) => succeed(receipt), fail: () => fail() };
}

function attempt(
  overlay: EngineOverlay,
  done: (error?: Error | null) => void,
  work: () => void,
): void {
  if (overlay.idle !== undefined) {
    void untilIdle(overlay).then(() => attempt(overlay, done, work));
    return;
  }
  try {
    work();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done();
}

function stoppableSource(
  source: StreamSource,
  path: string,
  signal: AbortSignal | undefined,
): StreamSource {
  if (signal === undefined || !(Symbol.asyncIterator in source)) return source;
  return stoppable(source, signal, () => abortedError(signal, path));
}

function stopIfAborted(signal: AbortSignal | undefined, path: string): void {
  if (signal?.aborted) throw abortedError(signal, path);
}

function abortedError(signal: AbortSignal, path: string): DraftError {
  return new DraftError("DRAFT_ABORTED", `Writing ${path} was stopped; the file is as it was.`, {
    path,
    cause: signal.reason,
  });
}
