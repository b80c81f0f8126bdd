import { AsyncLocalStorage } from "node:async_hooks";
import { DraftError } from "../errors.ts";

/**
 * Who is inside of which transaction. Nested calls are told apart from concurrent ones by the
 * asynchronous context they come from: nested ones join, concurrent ones wait for their turn. As
 * there is one transaction at a time and nobody waits while holding it, there is no deadlock.
 */
export class TransactionScope {
  readonly #inside = new AsyncLocalStorage<true>();
  #last: Promise<unknown> = Promise.resolve();

  /** Calls `body`, with whether it is the outermost transaction, when it is its turn. */
  async enter<Result>(body: (isOutermost: boolean) => Promise<Result>): Promise<Result> {
    if (this.#inside.getStore() === true) return body(false);
    const turn = this.#last.then(() => this.#inside.run(true, () => body(true)));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** @throws {DraftError} `DRAFT_TRANSACTION` when called from inside of a transaction. */
  refuseInside(action: string): void {
    if (this.#inside.getStore() !== true) return;
    throw new DraftError(
      "DRAFT_TRANSACTION",
      `Cannot ${action} inside of transact(): it commits when it returns. Return to commit, ` +
        "throw to roll back.",
    );
  }
}
