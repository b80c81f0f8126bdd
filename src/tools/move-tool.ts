import { z } from "zod";
import { inSavepoint, makeParents } from "../engines/apply-changes.ts";
import { findNode } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import { plainMetrics, type ToolMetrics, timed } from "./file-result.ts";
import type { Tool } from "./tool.ts";
import { ledgerPlaceOf, toolPathOf } from "./tool-path.ts";

const input = z.strictObject({
  source: z.string().min(1).describe("Absolute path of the file or directory to move"),
  destination: z.string().min(1).describe("Absolute path it is to have; must not exist"),
  overwrite: z.boolean().optional().describe("Replace a file at the destination"),
});

export type MoveInput = z.infer<typeof input>;

export interface MoveOutput {
  readonly source: string;
  readonly destination: string;
  readonly replaced: boolean;
  readonly staged: true;
  readonly metrics: ToolMetrics;
}

/** Moves a file or a directory with all that is in it. */
export const moveTool: Tool<MoveInput, MoveOutput> = {
  name: "Move",
  description:
    "Moves or renames a file or directory, making the parents of its new place. Fails where " +
    "something is there already, unless overwrite is set.",
  input,
  readOnly: false,
  run(context, request) {
    const source = toolPathOf(context, request.source);
    const destination = toolPathOf(context, request.destination);
    const { overlay } = context;
    if (findNode(overlay, source) === undefined) {
      throw inputError(source, `Cannot move ${source}: there is nothing.`);
    }
    const target = findNode(overlay, destination);
    if (target !== undefined && request.overwrite !== true && source !== destination) {
      throw inputError(
        destination,
        `Cannot move ${source}: ${destination} exists. Choose another name, or set overwrite.`,
      );
    }
    const from = ledgerPlaceOf(context, source);
    const { durationMs } = timed(() =>
      inSavepoint(overlay, () => {
        makeParents(overlay, destination);
        overlay.fs.renameSync(source, destination);
      }),
    );
    context.reads?.move(from, ledgerPlaceOf(context, destination));
    const replaced = target !== undefined && source !== destination;
    const metrics = plainMetrics(durationMs, { moves: 1 });
    return { source, destination, replaced, staged: true, metrics };
  },
};

function inputError(path: string, message: string): DraftError {
  return new DraftError("DRAFT_TOOL_INPUT", message, { path });
}
