import type { Operation } from "./transaction.ts";

/** A way to bring transactions to a tree, and to clean up after a crash. */
export interface Committer {
  /** Carries out the operations. Once it returns, they are promised to survive a power cut. */
  commit(root: string, operations: readonly Operation[]): Promise<void>;
  /** What the next start after a crash does first. */
  recover(root: string): Promise<void>;
  /** Lets go of all files, without any more work on them. */
  close(): void;
}
