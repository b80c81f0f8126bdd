import { encodingOf, optionsOf } from "./arguments.ts";
import { nextTurn, throwIfAborted } from "./asynchronous.ts";

/**
 * Writes data that may come in pieces: a text, bytes, or an iterable or stream of these, looking at
 * the caller's signal between two pieces.
 */
export async function writeChunks(
  data: unknown,
  options: unknown,
  write: (chunk: unknown) => unknown,
): Promise<void> {
  const { signal } = optionsOf(options);
  await throwIfAborted(signal);
  if (!isIterable(data)) {
    await write(data);
    return;
  }
  for await (const chunk of data) {
    await throwIfAborted(signal);
    await write(ArrayBuffer.isView(chunk) ? chunk : bytesOfChunk(chunk, options));
    await nextTurn();
    await throwIfAborted(signal);
  }
}

/** What is no view goes through `Buffer.from`, whose errors are the caller's. */
function bytesOfChunk(chunk: unknown, options: unknown): Buffer {
  return Buffer.from(chunk as string, encodingOf(options) as BufferEncoding | undefined);
}

/** Whether data comes in pieces. Text and bytes are iterable too, but whole. */
export function isIterable(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof data !== "object" || data === null || ArrayBuffer.isView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}
