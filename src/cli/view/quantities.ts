const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes for people: `512 B`, `1.5 KiB`, `20 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `1 file`, `2 files`, `1,234 files`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : plural}`;
}

/** Time since `sinceMs`, for people: `35 ms`, `1.2 s`. */
export function durationText(elapsedMs: number): string {
  return elapsedMs < 1000 ? `${Math.round(elapsedMs)} ms` : `${(elapsedMs / 1000).toFixed(1)} s`;
}
