/** Calls of one operation on the file system below it, and the bytes that went through them. */
export interface IoCounts {
  /** Whole-file reads. */
  readonly reads: number;
  /** Whole-file writes. */
  readonly writes: number;
  readonly deletes: number;
  readonly moves: number;
  readonly bytesWritten: number;
}

/** How an operation can be done. `none` is the standard path. */
export const optimizationKinds = [
  "none",
  "batch",
  "template",
  "coalesce",
  "stream",
  "no_op",
] as const;

/** How an operation was done. */
export type OptimizationKind = (typeof optimizationKinds)[number];

/** What one operation of an engine or tool took. What is not tracked is `undefined`. */
export interface Measurement {
  /**
   * Unique, whichever meter it comes from and among all processes that keep theirs in one file; its
   * last part, after a `-`, grows within the process.
   */
  readonly id: string;
  readonly operation: string;
  /** The file, where the operation is about one. */
  readonly path: string | undefined;
  /** Content that the caller handed over or asked for, in bytes. */
  readonly sizeBytes: number;
  /** Since the epoch, in milliseconds. */
  readonly startedAtMs: number;
  /** From the call to its end, the turns of others in between included. */
  readonly durationMs: number | undefined;
  /** Resident memory in bytes, sampled at most every 50 ms: a shorter operation shows no change. */
  readonly memory: MemoryUse | undefined;
  readonly io: IoCounts | undefined;
  readonly optimization: OptimizationKind;
  /** Calls that the standard path would have made. */
  readonly baselineCalls: number;
  /** Share of those calls that was saved; negative when it took more, 0 when it was not done. */
  readonly gain: number;
  /** `refused`: nothing was done, because of what was asked for or of others at work. */
  readonly outcome: "done" | "failed" | "fell_back" | "refused";
  readonly safety: SafetyFacts | undefined;
  /** Load average over one minute, when the system is tracked. */
  readonly systemLoad: number | undefined;
}

/** What an operation did for safety. What it did not do, and what is not tracked, is missing. */
export interface SafetyFacts {
  /** What a look at the integrity of what is kept, or was written, came to. */
  readonly integrity?: "sound" | "damaged";
  /** How taking something back went that had been done. */
  readonly rollback?: "done" | "failed";
  /** Milliseconds that it took to finish, or take back, what had been cut off. */
  readonly recoveryMs?: number;
}

/** Memory around an operation, in bytes. */
export interface MemoryUse {
  readonly before: number;
  /**
   * The high-water mark of the process where it was raised meanwhile, else the larger one of the
   * samples before and after: what lies between them is seen only above the mark.
   */
  readonly peak: number;
  readonly after: number;
}

/** Listens to measurements; it must not throw, and must be quick. */
export type MeasurementObserver = (measurement: Measurement) => void;

/** The counts alone of what has more to tell, such as the result of a batch. */
export function countsOf({ reads, writes, deletes, moves, bytesWritten }: IoCounts): IoCounts {
  return { reads, writes, deletes, moves, bytesWritten };
}

/** Counts of nothing. */
export const noIo: IoCounts = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };

/** Calls of all kinds together. */
export function callsOf(io: IoCounts): number {
  return io.reads + io.writes + io.deletes + io.moves;
}
