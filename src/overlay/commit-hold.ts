import { assert, DraftError } from "../errors.ts";
import { Fault } from "./file-system-error.ts";

/**
 * Keeps what is pending from being changed while a commit brings it to the disk. The commit has
 * taken down what there is, and drops it in the end; what was changed in between would go with it.
 */
export class CommitHold {
  #idle: Promise<void> | undefined;
  #canWait = true;

  /** Resolves when the commit is over; `undefined` while there is none. */
  get idle(): Promise<void> | undefined {
    return this.#idle;
  }

  /**
   * Begins to refuse changes.
   *
   * @param canWait whether calls that can wait do so. Where the commit itself waits for somebody
   *   who may call, they must not.
   * @returns ends it again.
   */
  begin(canWait: boolean): Disposable {
    assert(this.#idle === undefined, "one commit after the other is carried out");
    let end: () => void = () => undefined;
    const idle = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#idle = idle;
    this.#canWait = canWait;
    return {
      [Symbol.dispose]: () => {
        this.#idle = undefined;
        end();
      },
    };
  }

  /** @throws {Fault} `EBUSY` while a commit is being carried out. */
  requireIdle(): void {
    if (this.#idle === undefined) return;
    throw new Fault("EBUSY", {
      reason: "resource busy or locked, a commit is being carried out",
      ...(this.#canWait ? { until: this.#idle } : {}),
    });
  }

  /** @throws {DraftError} `DRAFT_TRANSACTION` while a commit is being carried out. */
  requireIdleFor(action: string): void {
    if (this.#idle === undefined) return;
    throw new DraftError(
      "DRAFT_TRANSACTION",
      `Cannot ${action} while a commit is being carried out. Wait for it to end.`,
    );
  }
}
