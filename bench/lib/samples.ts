/** Measured values of one thing, in the order in which they were taken. */
export type Samples = readonly number[];

export function medianOf(samples: Samples): number {
  const sorted = [...samples].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function leastOf(samples: Samples): number {
  return Math.min(...samples);
}

/** Three significant digits, for tables. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
