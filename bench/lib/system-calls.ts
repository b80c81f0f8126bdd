import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";

/** How often each system call was made, by name. */
export type CallCounts = ReadonlyMap<string, number>;

/**
 * The calls by which a program touches files and devices. Waking threads, memory and timers are
 * left out: they are the cost of the runtime, and depend on chance.
 */
export function isFileCall(name: string): boolean {
  return !/^(futex|mmap|munmap|mprotect|madvise|brk|epoll|clock|sched|rt_|nanosleep|getpid|gettid|clone|poll|ppoll|prctl|exit|set_|rseq|sysinfo|eventfd|getrandom|mremap|capget|prlimit)/.test(
    name,
  );
}

export const syncCalls = ["fsync", "fdatasync", "syncfs", "sync", "sync_file_range"] as const;

/**
 * Runs a program to its end under strace, its children included.
 *
 * @param marker - the program looks at the paths `MARKER-start` and `MARKER-end` with
 *   `fs.accessSync`, around the work that counts.
 * @returns the calls between the marks, those after them, and what the program printed.
 */
export function countSystemCalls(
  command: readonly string[],
  marker: string,
): { readonly during: CallCounts; readonly after: CallCounts; readonly printed: string } {
  const directory = fs.mkdtempSync(join(os.tmpdir(), "draftfs-strace-"));
  const output = join(directory, "trace");
  try {
    const args = ["-f", "-qq", "-a", "0", "-s", "0", "-o", output, ...command];
    const { status, stderr, stdout } = spawnSync("strace", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`strace ${command.join(" ")} failed: ${stderr}`);
    const lines = fs.readFileSync(output, "utf8").split("\n");
    const find = (which: string) => {
      const index = lines.findIndex((line) => line.includes(`"${marker}-${which}"`));
      if (index < 0) throw new Error(`The program never looked at ${marker}-${which}.`);
      return index;
    };
    const [start, end] = [find("start"), find("end")];
    const [during, after] = [lines.slice(start + 1, end), lines.slice(end + 1)].map(countOf);
    return { during: during ?? new Map(), after: after ?? new Map(), printed: stdout };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** A call that another thread interrupted has two lines; only the first has the opening bracket. */
function countOf(lines: readonly string[]): CallCounts {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const name = /^\d+ +([a-z_0-9]+)\(/.exec(line)?.[1];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
