import { spawnSync } from "node:child_process";

/**
 * The words before a command that run it as a container does: with pids of its own, in a /proc of
 * its own, and to be killed with whoever is started by them. Root only.
 */
export const inOwnPidNamespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

let canMake: boolean | undefined;

/** Whether this process may make pid namespaces here; says so where it may not. */
export function canMakePidNamespaces(): boolean {
  if (canMake !== undefined) return canMake;
  const [program = "", ...words] = inOwnPidNamespace;
  const { status, stderr, error } = spawnSync(program, [...words, "true"], { encoding: "utf8" });
  canMake = status === 0;
  if (!canMake) {
    const reason = error?.message ?? stderr.trim();
    console.log(`no pid namespace can be made here, its tests are skipped: ${reason}`);
  }
  return canMake;
}
