const held = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"] as const;

/** What keys of a terminal send: meant for the command, and not for whoever runs it. */
const typed: readonly (NodeJS.Signals | undefined)[] = ["SIGINT", "SIGQUIT"];

/**
 * Keeps signals from ending this process while something must not be lost. Node ends at once where
 * nobody listens, so these must be in place before the handlers of a command are, and after they
 * are gone.
 */
export class HeldSignals implements Disposable {
  #isLate = false;
  #came: NodeJS.Signals | undefined;
  #cameLate: NodeJS.Signals | undefined;
  readonly #handler = (signal: NodeJS.Signals): void => {
    this.#came = signal;
    if (this.#isLate) this.#cameLate = signal;
  };

  constructor() {
    for (const signal of held) process.on(signal, this.#handler);
  }

  /** From here on a signal is meant for us, and not for the command any more. */
  commandEnded(): void {
    this.#isLate = true;
  }

  /** The last signal that came. */
  get last(): NodeJS.Signals | undefined {
    return this.#came;
  }

  /** The last signal that came after the command had ended. */
  get late(): NodeJS.Signals | undefined {
    return this.#cameLate;
  }

  /** Whether somebody wants the whole process to end, so that there is nobody to ask. */
  get isEndWanted(): boolean {
    if (this.#cameLate !== undefined) return true;
    return this.#came !== undefined && !typed.includes(this.#came);
  }

  [Symbol.dispose](): void {
    for (const signal of held) process.off(signal, this.#handler);
  }
}
