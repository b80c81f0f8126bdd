import { isDraftError } from "../../errors.ts";
import { inSavepoint } from "../apply-changes.ts";
import type { EngineOverlay } from "../overlay-port.ts";

/** An engine that failed, and was replaced by the standard path. */
export interface Fallback {
  readonly engine: string;
  readonly operations: number;
  readonly error: Error;
}

/** What came of an engine's work. */
export type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: Error };

/** The engines of one flush that failed. */
export class Fallbacks {
  readonly all: Fallback[] = [];
  readonly #onFallback: ((fallback: Fallback) => void) | undefined;

  constructor(onFallback: ((fallback: Fallback) => void) | undefined) {
    this.#onFallback = onFallback;
  }

  note(fallback: Fallback): void {
    this.all.push(fallback);
    this.#onFallback?.(fallback);
  }
}

/** Has an engine try; what fails is taken back. */
export function attemptWith<T>(overlay: EngineOverlay, work: () => T): Attempt<T> {
  try {
    return { kind: "done", value: inSavepoint(overlay, work) };
  } catch (error) {
    // Who stopped it does not want it done on another path.
    if (isDraftError(error) && error.code === "DRAFT_ABORTED") throw error;
    return { kind: "failed", error: error instanceof Error ? error : new Error(String(error)) };
  }
}
