import { nodeHabits } from "./node-habits.ts";

/** A time as libuv hands it to the kernel. */
export interface KernelTime {
  readonly seconds: number;
  /** Of the second; never negative. */
  readonly nanoseconds: number;
}

const nanosecondsPerSecond = 1e9;

/** What libuv makes of a time in seconds (`uv__fs_to_timespec`). */
export function kernelTimeOf(time: number): KernelTime {
  let seconds = Math.trunc(time);
  let nanoseconds = Math.trunc((time - seconds) * nanosecondsPerSecond);
  if (nodeHabits.cutsTimesToMicroseconds) nanoseconds -= nanoseconds % 1000;
  if (nanoseconds < 0) {
    nanoseconds += nanosecondsPerSecond;
    seconds -= 1;
  }
  return { seconds, nanoseconds };
}

/**
 * A time as Node takes it, in seconds, of which the kernel gets this microsecond. A number of
 * seconds has a quarter of one today, so that is all there is to be had; whole seconds are exact.
 * Node takes a negative number for the present, but not its text.
 */
export function timeOf(timeNs: bigint): number | string {
  const time = nodeHabits.cutsTimesToMicroseconds ? amidMicrosecond(timeNs) : nearest(timeNs);
  return timeNs < 0n ? String(time) : time;
}

/** What is cut off is cut after a multiplication that may fall just short. */
function amidMicrosecond(timeNs: bigint): number {
  const microseconds = Number(timeNs / 1000n);
  return (timeNs < 0n ? microseconds - 0.4 : microseconds + 0.4) / 1e6;
}

const steps = [0, 0.5, -0.5, 1, -1];

function nearest(timeNs: bigint): number {
  const seconds = Number(timeNs / 1_000_000_000n);
  const nanoseconds = Number(timeNs % 1_000_000_000n);
  // Near 1970 a number tells nanoseconds apart, of which libuv drops the rest.
  const amid = timeNs < 0n ? nanoseconds - 0.5 : nanoseconds + 0.5;
  const time = seconds + amid / nanosecondsPerSecond;
  const microsecond = Math.trunc(nanoseconds / 1000);
  const isWithin = (candidate: number): boolean =>
    Math.trunc(Math.trunc((candidate - seconds) * nanosecondsPerSecond) / 1000) === microsecond;
  // One step is that to the next number, or to the one after it.
  const step = time * Number.EPSILON;
  return steps.map((count) => time + count * step).find(isWithin) ?? time;
}
