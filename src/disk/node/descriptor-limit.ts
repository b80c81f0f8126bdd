import fs from "node:fs";

/** Taken for the limit where there is no procfs: what a process has on macOS by default. */
const cautiousLimit = 256;

let known: number | undefined;

/** How many descriptors this process may have open at a time (`ulimit -n`), asked once. */
export function descriptorLimit(): number {
  known ??= ask();
  return known;
}

/** What to do where that is too few. Node has raised it already, as far as it was let. */
export function descriptorAdvice(): string {
  return (
    "The limit of open files is too low (ulimit -Hn shows it). Raise it to 1024 or more where it " +
    "is set: ulimit -n in a shell or what it reads at its start, LimitNOFILE= of a service, " +
    "nofile in /etc/security/limits.conf, --ulimit nofile of a container."
  );
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
