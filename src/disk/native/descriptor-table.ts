import fs from "node:fs";
import { nativeCalls } from "./native-calls.ts";

/** What it costs to wait for all processors as often as a table of some thousand grows. */
const growthUs = 30_000;

/** Descriptors that this process's table has been made large enough for. */
let grown = 0;

/**
 * Makes the process's table of descriptors large enough for so many, on a thread. The kernel lets
 * a process of several threads wait until every processor has been elsewhere when its table grows
 * (expand_fdtable, synchronize_rcu in Linux): some 10 ms at the 256th, 512th, 1,024th open file.
 *
 * @param descriptor any open one.
 */
export function growDescriptorTable(count: number, descriptor: number): void {
  const duplicate = count > grown ? nativeCalls(growthUs)?.duplicate : undefined;
  if (duplicate === undefined) return;
  grown = count;
  void duplicate(descriptor, count).then((last) => {
    if (last >= 0) fs.closeSync(last);
  });
}
