/**
 * A time as Node takes it, in seconds. libuv cuts off what is below the microsecond, after a
 * division that may fall just short of it. Node takes a negative number for the present, but not
 * its text.
 */
export function timeOf(timeNs: bigint): number | string {
  const microseconds = Number(timeNs / 1000n);
  return timeNs < 0n ? String((microseconds - 0.4) / 1e6) : (microseconds + 0.4) / 1e6;
}
