import type { ServerResponse } from "node:http";

/** How often a stream says that it is alive, so that a dead connection is found. */
const heartbeatMs = 15_000;
/** More than anybody looks at, and few enough to be served by one process. */
const streamsMax = 32;

interface EventStream {
  readonly response: ServerResponse;
  /** Whether it has not taken yet what was sent. */
  isFull: boolean;
  /** Whether it missed something meanwhile. */
  isBehind: boolean;
}

/**
 * Streams of server-sent events that all have the same. Each event stands for everything: one that
 * is slow misses those in between, and nothing piles up.
 */
export class EventStreams implements Disposable {
  readonly #streams = new Set<EventStream>();
  readonly #heartbeat: NodeJS.Timeout;
  #latest = "";

  constructor() {
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  get count(): number {
    return this.#streams.size;
  }

  /**
   * Begins a stream with `text`.
   *
   * @param onEnd called when whoever reads it has gone.
   * @returns `false` when there are too many; nothing was done then.
   */
  add(response: ServerResponse, text: string, onEnd: () => void): boolean {
    if (this.#streams.size >= streamsMax) return false;
    const stream: EventStream = { response, isFull: false, isBehind: false };
    this.#streams.add(stream);
    response.on("drain", () => this.#goOn(stream));
    response.once("close", () => {
      this.#streams.delete(stream);
      onEnd();
    });
    this.#latest = text;
    this.#write(stream, `retry: 1000\n${text}`);
    return true;
  }

  /** Sends events to all. */
  send(text: string): void {
    this.#latest = text;
    for (const stream of this.#streams) {
      if (stream.isFull) stream.isBehind = true;
      else this.#write(stream, text);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    for (const { response } of this.#streams) response.end();
  }

  #write(stream: EventStream, text: string): void {
    stream.isFull = !stream.response.write(text);
  }

  #goOn(stream: EventStream): void {
    stream.isFull = false;
    if (!stream.isBehind) return;
    stream.isBehind = false;
    this.#write(stream, this.#latest);
  }

  #beat(): void {
    for (const stream of this.#streams) if (!stream.isFull) this.#write(stream, ":\n\n");
  }
}
