import { AsyncLocalStorage } from "node:async_hooks";
import { DraftError } from "../errors.ts";

/** The transactions that a piece of code runs inside of, from the innermost to the outermost. */
interface Inside {
  readonly scope: TransactionScope;
  readonly outer: Inside | undefined;
  /** What a transaction has left running is inside of nothing when it has ended. */
  hasEnded: boolean;
}

/**
 * One for all overlays, and switched off while nobody is inside of anything: as long as it is on,
 * every promise of the process costs more, and with several the more of them there are.
 */
const insides = new AsyncLocalStorage<Inside>();
let running = 0;

/**
 * Who is inside of which transaction. Nested calls are told apart from concurrent ones by the
 * asynchronous context they come from: nested ones join, concurrent ones wait for their turn. As
 * there is one transaction at a time and nobody waits while holding it, there is no deadlock.
 */
export class TransactionScope {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Calls `body`, with whether it is the outermost transaction, when it is its turn. What `body`
   * calls and waits for, is inside.
   */
  async enter<Result>(body: (isOutermost: boolean) => Promise<Result>): Promise<Result> {
    if (this.#isInside()) return body(false);
    return this.#inTurn(() => this.#runInside(() => body(true)));
  }

  /**
   * Calls `body`, which waits for no code but ours, when it is its turn. Not from inside: it would
   * wait for itself; see {@link TransactionScope.refuseInside}.
   */
  enterAlone<Result>(body: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(body);
  }

  /** Resolves when everything that has been entered by now is over; at once for who is inside. */
  async idle(): Promise<void> {
    if (!this.#isInside()) await this.#last;
  }

  /** @throws {DraftError} `DRAFT_TRANSACTION` when called from inside of a transaction. */
  refuseInside(action: string): void {
    if (!this.#isInside()) return;
    throw new DraftError(
      "DRAFT_TRANSACTION",
      `Cannot ${action} inside of transact(): it commits when it returns. Return to commit, ` +
        "throw to roll back.",
    );
  }

  #inTurn<Result>(body: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(body);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #runInside<Result>(body: () => Promise<Result>): Promise<Result> {
    const inside: Inside = { scope: this, outer: insides.getStore(), hasEnded: false };
    running += 1;
    try {
      return await insides.run(inside, body);
    } finally {
      inside.hasEnded = true;
      running -= 1;
      if (running === 0) insides.disable();
    }
  }

  #isInside(): boolean {
    for (let inside = insides.getStore(); inside !== undefined; inside = inside.outer) {
      if (inside.scope === this && !inside.hasEnded) return true;
    }
    return false;
  }
}
