import { basename, dirname, join } from "node:path";
import { isWithin } from "../disk/tree-path.ts";
import { absolutePathOf, codeOf } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import type { ToolContext } from "./tool.ts";

/**
 * The path under which the ledger knows a file: its real one, so that a file has been read by
 * whichever link it was named.
 */
export function ledgerPathOf(context: ToolContext, path: string): string {
  try {
    return context.overlay.fs.realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
    return path === dirname(path) ? path : ledgerPlaceOf(context, path);
  }
}

/** Like {@link ledgerPathOf} of a name itself: a link there is not followed. */
export function ledgerPlaceOf(context: ToolContext, path: string): string {
  return join(ledgerPathOf(context, dirname(path)), basename(path));
}

/**
 * The absolute path that a tool's parameter names. Agents give absolute paths; a relative one is
 * taken from the root.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for a path outside the root.
 */
export function toolPathOf(context: ToolContext, path: string): string {
  const { root } = context.overlay;
  const absolute = absolutePathOf(context.overlay, path);
  if (root === "/" || isWithin(absolute, root)) return absolute;
  throw new DraftError(
    "DRAFT_TOOL_INPUT",
    `Cannot use ${path}: it lies outside ${root}. Name a file below that directory.`,
    { path },
  );
}
