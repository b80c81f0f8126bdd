/** Reads server-sent events one after the other, as a browser does. */
export class EventReader implements AsyncDisposable {
  readonly #abort: AbortController;
  readonly #chunks: AsyncIterator<string>;
  #text = "";

  private constructor(abort: AbortController, chunks: AsyncIterator<string>) {
    this.#abort = abort;
    this.#chunks = chunks;
  }

  static async open(url: string): Promise<EventReader> {
    const abort = new AbortController();
    const { status, headers, body } = await fetch(url, { signal: abort.signal });
    const type = headers.get("content-type");
    if (body === null || status !== 200 || type !== "text/event-stream") {
      throw new Error(`no events from ${url}: ${status} ${type}`);
    }
    const chunks = body.pipeThrough(new TextDecoderStream());
    return new EventReader(abort, chunks[Symbol.asyncIterator]());
  }

  /** The data of the next event of this name. */
  next(name: string): Promise<string> {
    return this.until(name, () => true);
  }

  /** The data of the first event of this name that fits. */
  async until(name: string, fits: (data: string) => boolean): Promise<string> {
    for (;;) {
      const event = await this.#nextEvent();
      if (event === undefined) throw new Error(`the stream ended without such a ${name}`);
      const lines = event.split("\n");
      const data = lines.find((line) => line.startsWith("data: "))?.slice("data: ".length) ?? "";
      if (lines.includes(`event: ${name}`) && fits(data)) return data;
    }
  }

  /** Waits until the server ends the stream. */
  async end(): Promise<void> {
    while ((await this.#nextEvent()) !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#chunks.return?.().catch(() => undefined);
  }

  async #nextEvent(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const event = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return event;
      }
      const { done, value } = await this.#chunks.next();
      if (done === true) return undefined;
      this.#text += value;
    }
  }
}
