import { FileContent } from "./content/file-content.ts";
import { MemoryBudget } from "./content/memory-budget.ts";
import { FileNode } from "./node.ts";

let lasting: FileNode | undefined;

/**
 * A file that no overlay has. V8 forgets a hidden class when the collector finds no object of it,
 * and with it all code that was compiled for it: after a commit, and in the next overlay of the
 * process, calls on files took half as long again until all had been learned anew. Made when an
 * overlay makes its first file, when what makes it is compiled anyway.
 */
export function lastingFile(): FileNode {
  // A class that has seen both kinds of numbers keeps them as they come, rather than in a new box.
  if (lasting === undefined) makeFile(0n);
  lasting ??= makeFile(2 ** 52);
  return lasting;
}

function makeFile(ino: number | bigint): FileNode {
  const from = { ino, dev: 0, mode: 0, uid: 0, gid: 0, now: { seconds: 0, nanoseconds: 0 } };
  return new FileNode(from, FileContent.ofPage(new Uint8Array(1), new MemoryBudget(1, () => 0)));
}
