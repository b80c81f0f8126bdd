import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Programs that can hand a terminal to their process group, which Node cannot: whoever does so from
 * the background must ignore `SIGTTOU`, or is stopped.
 */
const claimants: readonly (readonly string[])[] = [
  ["perl", "-MPOSIX=tcsetpgrp", "-e", '$SIG{TTOU} = "IGNORE"; tcsetpgrp(0, getpgrp(0));'],
  [
    "python3",
    "-c",
    "import os, signal; signal.signal(signal.SIGTTOU, signal.SIG_IGN); " +
      "os.tcsetpgrp(0, os.getpgrp())",
  ],
];

/**
 * Takes the terminal back when a command has left it to others. A shell with job control gives it
 * to its jobs, and when it ends to the group that it came from; in a process namespace it cannot
 * name ours. Whoever reads from the terminal in the background gets EIO, or is stopped.
 *
 * @returns whether the terminal is ours.
 */
export function reclaimTerminal(): boolean {
  for (const [program = "", ...args] of claimants) {
    if (isForeground()) return true;
    spawnSync(program, args, { stdio: ["inherit", "ignore", "ignore"] });
  }
  return isForeground();
}

/** By stat(5) of proc: the group of this process, and the one in the foreground of its terminal. */
function isForeground(): boolean {
  try {
    const text = readFileSync("/proc/self/stat", "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[2] === fields[5];
  } catch {
    // Not Linux: nothing here runs in a namespace.
    return true;
  }
}
