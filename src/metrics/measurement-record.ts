import {
  type IoCounts,
  type Measurement,
  type MemoryUse,
  optimizationKinds,
  type SafetyFacts,
} from "./measurement.ts";

/** What a file of measurements keeps, a line each. */
export interface LoggedRecord {
  readonly id: string;
  /** Since the epoch, in milliseconds. */
  readonly startedAtMs: number;
}

/** The record that a line holds; `undefined` for what is no whole line of ours. */
export function recordOf(line: string): LoggedRecord | undefined {
  if (!line.endsWith("\n")) return undefined;
  try {
    const record = JSON.parse(line) as Partial<LoggedRecord>;
    const isOurs = typeof record.id === "string" && typeof record.startedAtMs === "number";
    return isOurs ? (record as LoggedRecord) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The measurement that a line holds; `undefined` for anything else. Whoever may write to the file
 * can put anything into it, so what is not as it has to be is left out, and missing numbers are 0.
 * By hand, because every command reads it, and zod alone takes as long to load as a short command.
 */
export function measurementOf(line: string): Measurement | undefined {
  const record = recordOf(line) as Loose<Measurement> | undefined;
  if (record === undefined) return undefined;
  const { id, operation, path, startedAtMs, io, memory, safety, durationMs, systemLoad } = record;
  const optimization = oneOf(optimizationKinds, record.optimization);
  const outcome = oneOf(outcomes, record.outcome);
  if (typeof operation !== "string" || optimization === undefined || outcome === undefined) {
    return undefined;
  }
  return {
    id: id as string,
    operation,
    path: typeof path === "string" ? path : undefined,
    sizeBytes: numberOf(record.sizeBytes),
    startedAtMs: startedAtMs as number,
    durationMs: durationMs === undefined ? undefined : numberOf(durationMs),
    memory: isObject<MemoryUse>(memory) ? memoryOf(memory) : undefined,
    io: isObject<IoCounts>(io) ? countsOf(io) : undefined,
    optimization,
    baselineCalls: numberOf(record.baselineCalls),
    gain: numberOf(record.gain),
    outcome,
    safety: isObject<SafetyFacts>(safety) ? factsOf(safety) : undefined,
    systemLoad: systemLoad === undefined ? undefined : numberOf(systemLoad),
  };
}

const outcomes = ["done", "failed", "fell_back", "refused"] as const;

/** As it was written, perhaps by somebody else. */
type Loose<Value> = { readonly [Name in keyof Value]?: unknown };

function isObject<Value>(value: unknown): value is Loose<Value> {
  return typeof value === "object" && value !== null;
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function oneOf<const Word extends string>(
  words: readonly Word[],
  value: unknown,
): Word | undefined {
  return words.find((word) => word === value);
}

function memoryOf({ before, peak, after }: Loose<MemoryUse>): MemoryUse {
  return { before: numberOf(before), peak: numberOf(peak), after: numberOf(after) };
}

function countsOf({ reads, writes, deletes, moves, bytesWritten }: Loose<IoCounts>): IoCounts {
  return {
    reads: numberOf(reads),
    writes: numberOf(writes),
    deletes: numberOf(deletes),
    moves: numberOf(moves),
    bytesWritten: numberOf(bytesWritten),
  };
}

function factsOf(facts: Loose<SafetyFacts>): SafetyFacts {
  const integrity = oneOf(["sound", "damaged"], facts.integrity);
  const rollback = oneOf(["done", "failed"], facts.rollback);
  return {
    ...(integrity === undefined ? {} : { integrity }),
    ...(rollback === undefined ? {} : { rollback }),
    ...(typeof facts.recoveryMs === "number" ? { recoveryMs: facts.recoveryMs } : {}),
  };
}
