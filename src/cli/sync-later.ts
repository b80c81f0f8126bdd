import { spawn } from "node:child_process";

/**
 * Has what was committed brought to the disk, by a process that nobody waits for: the commit is
 * durable by its journal already, but the sooner its files are too, the less a power cut leaves to
 * be finished. Where there is no such program, the next commit does it.
 */
export function syncLater(root: string): void {
  const child = spawn("sync", ["-f", root], { cwd: "/", detached: true, stdio: "ignore" });
  child.on("error", () => undefined);
  child.unref();
}
