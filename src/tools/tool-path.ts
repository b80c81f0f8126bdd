import { isWithin } from "../disk/tree-path.ts";
import { absolutePathOf } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import type { ToolContext } from "./tool.ts";

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
