import { DraftError } from "../errors.ts";
import type { ToolContext } from "./tool.ts";
import { ledgerPathOf } from "./tool-path.ts";

/**
 * The read-before-write rule for a file that exists.
 *
 * @param survivesChange whether the change stays unambiguous on content that was not seen (an exact
 *   edit that matches once is, an overwrite is not).
 * @returns warnings for the caller.
 * @throws {DraftError} `DRAFT_TOOL_INPUT` under the strict policy.
 */
export function checkFreshness(
  context: ToolContext,
  path: string,
  bytes: Uint8Array,
  survivesChange: boolean,
): string[] {
  const { reads } = context;
  if (reads === undefined) return [];
  const freshness = reads.freshness(ledgerPathOf(context, path), bytes);
  if (freshness === "fresh") return [];
  const message =
    freshness === "unread"
      ? `${path} has not been read yet. Read it first, then change it.`
      : `${path} has changed since it was read. Read it again, then change it.`;
  if (reads.policy === "advisory") return [message];
  if (freshness === "changed" && survivesChange) {
    return [`${path} has changed since it was read; the text to replace was still there once.`];
  }
  throw new DraftError("DRAFT_TOOL_INPUT", message, { path, details: { freshness } });
}
