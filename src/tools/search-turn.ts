import { searchesMax } from "../limits.ts";
import { aborted, type ToolContext } from "./tool.ts";

/** Those who wait for their turn, in order, and how many have theirs. */
const waiting: (() => void)[] = [];
let running = 0;

/**
 * Runs a search when fewer than `searchesMax` are running: agents ask for many at once, and each
 * holds a file in memory.
 */
export async function inSearchTurn<T>(context: ToolContext, search: () => Promise<T>): Promise<T> {
  const { signal } = context;
  while (running >= searchesMax) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  }
  running += 1;
  try {
    if (signal?.aborted === true) throw aborted("The search", signal);
    return await search();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
