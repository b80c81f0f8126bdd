import { callsOf, type IoCounts } from "../../metrics/measurement.ts";
import type { Meter } from "../../metrics/meter.ts";
import { withParents } from "../apply-changes.ts";
import { editExtents } from "../coalesce/edit-extents.ts";
import { type EditOperation, type Operation, sizeOf, type WriteOperation } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { absolutePathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { plainCallsOf, runPlain } from "../run-plain.ts";
import { attemptWith, type Fallbacks } from "./fallbacks.ts";
import type { Step } from "./pipeline-step.ts";

/** What a step took, and what that saved. */
export interface StepOutcome {
  readonly io: IoCounts;
  readonly callsSaved: number;
  readonly bytesSaved: number;
  /** Whether the file turned out to have this content already. */
  readonly isSame: boolean;
}

/** The same of a step that was run by itself, with what did that; `none` is the standard path. */
interface LoneOutcome extends StepOutcome {
  readonly engine: "none" | "stream" | "coalesce";
}

export interface LoneOptions {
  readonly settings: OptimizerSettings;
  readonly meter: Meter;
  readonly signal: AbortSignal | undefined;
  /** The engine for huge files. */
  readonly editExtents: typeof editExtents | undefined;
}

const alreadyThere: LoneOutcome = {
  io: { reads: 1, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 },
  callsSaved: 0,
  bytesSaved: 0,
  isSame: true,
  engine: "coalesce",
};

/** Runs what is done by itself: on the standard path, by extents, or not when it is there. */
export class LoneSteps {
  readonly #overlay: EngineOverlay;
  readonly #options: LoneOptions;

  constructor(overlay: EngineOverlay, options: LoneOptions) {
    this.#overlay = overlay;
    this.#options = options;
  }

  run(step: Step, fallbacks: Fallbacks): StepOutcome {
    const { meter } = this.#options;
    if (!meter.isActive) return this.#runStep(step, fallbacks);
    const { operation } = step;
    const before = fallbacks.all.length;
    return meter.measure(
      { name: operation.kind, path: operation.path, sizeBytes: sizeOf(operation) },
      () => this.#runStep(step, fallbacks),
      ({ io, engine }) => ({
        io,
        optimization: engine,
        baselineCalls: plainCallsOf(operation),
        outcome: fallbacks.all.length > before ? "fell_back" : "done",
      }),
    );
  }

  #runStep(step: Step, fallbacks: Fallbacks): LoneOutcome {
    const { operation, decision } = step;
    if (decision.strategy === "stream" && operation.kind === "edit") {
      const streamed = this.#stream(step, operation, fallbacks);
      if (streamed !== undefined) return streamed;
    } else if (this.#isCompared(operation)) return this.#writeUnlessSame(operation, fallbacks);
    return plainOutcome(this.#overlay, operation);
  }

  /** Whether content is compared with what is there already: smaller one is as soon written. */
  #isCompared(operation: Operation): operation is WriteOperation {
    const { enabled, contentBytesMin, profile } = this.#options.settings;
    if (operation.kind !== "write" || operation.bytes.length < contentBytesMin) return false;
    return this.#overlay.writeUnlessSame !== undefined && enabled && profile.coalescing;
  }

  /** Asks the overlay whether the content is there already where it meets the file anyway. */
  #writeUnlessSame(operation: WriteOperation, fallbacks: Fallbacks): LoneOutcome {
    const overlay = this.#overlay;
    const { bytes } = operation;
    const path = absolutePathOf(overlay, operation.path);
    let isThere: boolean;
    try {
      isThere = withParents(overlay, path, () => overlay.writeUnlessSame?.(path, bytes) === false);
    } catch (thrown) {
      // What is there may not be readable. If it cannot be written either, that error is thrown.
      const outcome = plainOutcome(overlay, operation);
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      fallbacks.note({ engine: "coalesce", operations: 1, error });
      return outcome;
    }
    return isThere ? alreadyThere : writtenOutcome(bytes.length);
  }

  /** Edits by extents; `undefined` when that failed, and nothing was done. */
  #stream(
    { features }: Step,
    operation: EditOperation,
    fallbacks: Fallbacks,
  ): LoneOutcome | undefined {
    const { path, edits } = operation;
    const { signal } = this.#options;
    const run = this.#options.editExtents ?? editExtents;
    const options = signal === undefined ? {} : { signal };
    const attempt = attemptWith(this.#overlay, () => run(this.#overlay, path, edits, options));
    if (attempt.kind === "failed") {
      fallbacks.note({ engine: "stream", operations: 1, error: attempt.error });
      return undefined;
    }
    const { reads, writes, bytesWritten } = attempt.value;
    const io = { reads, writes, deletes: 0, moves: 0, bytesWritten };
    // Plain code writes the whole file for every edit.
    const bytesSaved = features.fileBytes * edits.length - bytesWritten;
    const callsSaved = plainCallsOf(operation) - callsOf(io);
    return { io, callsSaved, bytesSaved, isSame: false, engine: "stream" };
  }
}

function plainOutcome(overlay: EngineOverlay, operation: Operation): LoneOutcome {
  const io = runPlain(overlay, operation);
  return { io, callsSaved: 0, bytesSaved: 0, isSame: false, engine: "none" };
}

function writtenOutcome(bytesWritten: number): LoneOutcome {
  const io = { reads: 0, writes: 1, deletes: 0, moves: 0, bytesWritten };
  return { io, callsSaved: 0, bytesSaved: 0, isSame: false, engine: "none" };
}
