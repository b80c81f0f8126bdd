import { createHash, type Hash } from "node:crypto";
import { isWithin } from "../disk/tree-path.ts";

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
    this.recordDigest(path, startDigest().update(bytes));
  }

  /** Like {@link ReadLedger.record}, of a file whose bytes went through a {@link startDigest}. */
  recordDigest(path: string, digest: Hash): void {
    this.#seen.set(path, digest.digest("base64"));
  }

  /** Forgets what lies at a path, and below it when it was a directory. */
  forget(path: string): void {
    for (const seen of this.#at(path)) this.#seen.delete(seen);
  }

  /** Follows what was moved, with all that lay below it; what it replaced is forgotten. */
  move(source: string, destination: string): void {
    if (source === destination) return;
    const moved = this.#at(source).map((path) => [path, this.#seen.get(path)] as const);
    this.forget(source);
    this.forget(destination);
    for (const [path, digest] of moved) {
      const target = `${destination}${path.slice(source.length)}`;
      if (digest !== undefined) this.#seen.set(target, digest);
    }
  }

  #at(path: string): string[] {
    return [...this.#seen.keys()].filter((seen) => isWithin(seen, path));
  }

  freshness(path: string, bytes: Uint8Array): Freshness {
    const seen = this.#seen.get(path);
    if (seen === undefined) return "unread";
    return seen === startDigest().update(bytes).digest("base64") ? "fresh" : "changed";
  }
}

/** What a ledger knows a content by, to be given all of its bytes. */
export function startDigest(): Hash {
  return createHash("sha1");
}
