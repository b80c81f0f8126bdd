import fs from "node:fs";

/** Taken for the limit where there is no procfs: what a process has on macOS by default. */
const cautiousLimit = 256;

let known: number | undefined;

/** How many descriptors this process may have open at a time (`ulimit -n`), asked once. */
export function descriptorLimit(): number {
  known ??= ask();
  return known;
}

function ask(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(fs.readFileSync(limitsPath, "utf8")) ?? [];
    return limit === undefined ? cautiousLimit : Number(limit);
  } catch {
    return cautiousLimit;
  }
}

/** See proc_pid_limits(5). */
const limitsPath = "/proc/self/limits";
