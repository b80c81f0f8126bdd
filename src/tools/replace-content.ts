import { applyChanges } from "../engines/apply-changes.ts";
import type { FileStates } from "../engines/file-states.ts";
import { isOptimizing } from "../engines/optimizer-settings.ts";
import { runPlain } from "../engines/run-plain.ts";
import { timed } from "./file-result.ts";
import type { ToolContext } from "./tool.ts";

/** What writing a file took. */
export interface ReplacedContent {
  /** 0 where the file has this content already, and optimisation is on. */
  readonly writes: number;
  readonly bytesWritten: number;
  readonly durationMs: number;
}

/** Gives a file new content, which `states` knows the old one of; follows links. */
export function replaceContent(
  { overlay, settings }: ToolContext,
  states: FileStates,
  path: string,
  bytes: Buffer,
): ReplacedContent {
  const { value, durationMs } = timed(() => {
    if (!isOptimizing(overlay, settings)) return runPlain(overlay, { kind: "write", path, bytes });
    states.write(path, bytes);
    return applyChanges(overlay, states.changes());
  });
  return { writes: value.writes, bytesWritten: value.bytesWritten, durationMs };
}
