import { ReadableStream } from "node:stream/web";
import { readBufferBytes } from "../../limits.ts";

/** What a web stream reads from. */
export interface WebSource {
  /** Fills the view from the position of the handle and tells how many bytes there were. */
  readonly read: (view: Uint8Array) => Promise<number>;
  /** Called once, when the stream has ended or was cancelled. */
  readonly done: () => Promise<void>;
}

/** The stream of a handle, and how to end it when the handle is closed. */
export interface WebStream {
  readonly stream: ReadableStream;
  readonly end: () => void;
}

/** A stream of bytes, whose reader may bring its own buffers (`getReader({ mode: "byob" })`). */
export function webStreamOfBytes({ read, done }: WebSource): WebStream {
  let control: ReadableByteStreamController | undefined;
  let isOver = false;
  const finish = (controller: ReadableByteStreamController): void => {
    isOver = true;
    controller.close();
    // A request that is still open must be answered for the stream to be closed.
    controller.byobRequest?.respond(0);
  };
  const stream = new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: readBufferBytes,
    start(controller) {
      control = controller;
    },
    async pull(controller) {
      const view = controller.byobRequest?.view;
      if (!(view instanceof Uint8Array)) return;
      const count = await read(view);
      if (isOver) return;
      if (count > 0) controller.byobRequest?.respond(count);
      else {
        finish(controller);
        await done();
      }
    },
    async cancel() {
      isOver = true;
      await done();
    },
  });
  return { stream, end: () => (isOver || control === undefined ? undefined : finish(control)) };
}

/** A stream of `ArrayBuffer`s, as Node 20 makes it unless `type: "bytes"` is asked for. */
export function webStreamOfBuffers({ read, done }: WebSource): WebStream {
  let control: ReadableStreamDefaultController<ArrayBuffer> | undefined;
  let isOver = false;
  const stream = new ReadableStream<ArrayBuffer>(
    {
      start(controller) {
        control = controller;
      },
      async pull(controller) {
        const piece = new Uint8Array(readBufferBytes);
        const count = await read(piece);
        if (isOver) return;
        if (count > 0) controller.enqueue(piece.buffer.slice(0, count));
        else {
          isOver = true;
          controller.close();
          await done();
        }
      },
      async cancel() {
        isOver = true;
        await done();
      },
    },
    { highWaterMark: 0 },
  );
  const end = (): void => {
    if (!isOver) control?.close();
    isOver = true;
  };
  return { stream, end };
}
