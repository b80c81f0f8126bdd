import { createHash } from "node:crypto";

/** Whether a file is as it was when it was last read or written through the tools. */
export type Freshness = "unread" | "fresh" | "changed";

/**
 * Remembers what a caller has seen, by content and never by time: a file that was touched, or
 * rewritten with the same bytes, is still fresh.
 */
export class ReadLedger {
  /**
   * `"strict"` refuses to change a file that was not read, or that changed since so that the
   * change is ambiguous; `"advisory"` only warns.
   */
  readonly policy: "strict" | "advisory";
  readonly #seen = new Map<string, string>();

  constructor(policy: "strict" | "advisory" = "strict") {
    this.policy = policy;
  }

  /** Takes note that the caller knows the file's content, by its absolute path. */
  record(path: string, bytes: Uint8Array): void {
    this.#seen.set(path, digestOf(bytes));
  }

  /** Forgets a file that went away. */
  forget(path: string): void {
    this.#seen.delete(path);
  }

  freshness(path: string, bytes: Uint8Array): Freshness {
    const seen = this.#seen.get(path);
    if (seen === undefined) return "unread";
    return seen === digestOf(bytes) ? "fresh" : "changed";
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64");
}
