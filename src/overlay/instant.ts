/** A point in time to the nanosecond, as a file system holds it. Immutable, hence freely shared. */
export interface Instant {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const nanosecondsPerSecond = 1_000_000_000;
const nanosecondsPerSecondExact = 1_000_000_000n;

/** The instant `nanoseconds` after the epoch. */
export function instantOf(nanoseconds: bigint): Instant {
  let seconds = nanoseconds / nanosecondsPerSecondExact;
  let rest = nanoseconds % nanosecondsPerSecondExact;
  if (rest < 0n) {
    rest += nanosecondsPerSecondExact;
    seconds -= 1n;
  }
  return { seconds: Number(seconds), nanoseconds: Number(rest) };
}

/** Nanoseconds since the epoch. */
export function nanosecondsOf(instant: Instant): bigint {
  return BigInt(instant.seconds) * nanosecondsPerSecondExact + BigInt(instant.nanoseconds);
}

/** Milliseconds since the epoch, computed in the very order in which Node computes them. */
export function millisecondsOf(instant: Instant): number {
  return instant.seconds * 1000 + instant.nanoseconds / 1_000_000;
}

// Taken at load: a test that fakes the clocks must not make files older than those on the disk.
const systemNow = Date.now;
const elapsedNow = performance.now.bind(performance);
/** Realtime minus the monotonic clock, in milliseconds; corrected when the system clock is set. */
let offset = performance.timeOrigin;
/** The monotonic and the system clock are compared this rarely, in milliseconds. */
const comparisonIntervalMs = 1000;
let comparedAt = Number.NEGATIVE_INFINITY;
const driftMaxMs = 3;
let last: Instant = { seconds: 0, nanoseconds: 0 };

/** The present, strictly later than every present before it, so that every change moves a time. */
export function presentInstant(): Instant {
  const elapsed = elapsedNow();
  if (elapsed - comparedAt > comparisonIntervalMs) {
    comparedAt = elapsed;
    const drift = systemNow() - (offset + elapsed);
    if (Math.abs(drift) > driftMaxMs) offset += drift;
  }
  const milliseconds = offset + elapsed;
  let seconds = Math.floor(milliseconds / 1000);
  let nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
  if (isAtMost(seconds, nanoseconds, last)) {
    seconds = last.seconds;
    nanoseconds = last.nanoseconds + 1;
    if (nanoseconds === nanosecondsPerSecond) {
      nanoseconds = 0;
      seconds += 1;
    }
  }
  last = { seconds, nanoseconds };
  return last;
}

function isAtMost(seconds: number, nanoseconds: number, other: Instant): boolean {
  if (seconds !== other.seconds) return seconds < other.seconds;
  return nanoseconds <= other.nanoseconds;
}

/** The end of the present millisecond, in nanoseconds since the epoch. */
export function nextMillisecondNs(): bigint {
  return BigInt(Date.now() + 1) * 1_000_000n;
}
