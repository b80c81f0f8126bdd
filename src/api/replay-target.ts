import { checkOptions } from "../check-options.ts";
import { TemporaryTree } from "../disk/temporary-tree.ts";
import type { ReplayTarget } from "../engines/trace/replay-trace.ts";
import type { BaseNode } from "../engines/trace/trace.ts";
import { openOverlay } from "./open-overlay.ts";
import { replayTargetNames } from "./option-names.ts";

/** Where traces are replayed. */
export interface ReplayTargetOptions {
  /**
   * Directory in which the tree is made, on the file system that is to be measured; the system's
   * directory for temporary files by default.
   */
  readonly directory?: string;
}

/**
 * Opens a tree to replay a trace in: a new directory that holds what the trace begins with, and an
 * overlay over it that is committed wherever the trace was. It is removed when it is closed.
 *
 * @example
 * replayTrace(text, { open: (_strategy, base) => openReplayTarget(base) });
 */
export async function openReplayTarget(
  base: readonly BaseNode[],
  options: ReplayTargetOptions = {},
): Promise<ReplayTarget> {
  checkOptions("openReplayTarget", options, replayTargetNames);
  const tree = new TemporaryTree(base, options.directory);
  try {
    // The directory for temporary files may lie inside of a root.
    const overlay = await openOverlay(tree.root, { force: true });
    return {
      overlay,
      commit: async () => {
        if ((await overlay.diff()).changes.length > 0) await overlay.commit();
      },
      close: async () => {
        await overlay.close();
        tree[Symbol.dispose]();
      },
    };
  } catch (error) {
    tree[Symbol.dispose]();
    throw error;
  }
}
