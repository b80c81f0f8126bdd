import { z } from "zod";
import { findNode } from "../engines/overlay-path.ts";
import { DraftError } from "../errors.ts";
import { plainMetrics, type ToolMetrics, timed } from "./file-result.ts";
import type { Tool } from "./tool.ts";
import { ledgerPlaceOf, toolPathOf } from "./tool-path.ts";

const input = z.strictObject({
  path: z.string().min(1).describe("Absolute path of what to delete"),
  recursive: z.boolean().optional().describe("Delete a directory with all that is in it"),
});

export type DeleteInput = z.infer<typeof input>;

export interface DeleteOutput {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly staged: true;
  readonly metrics: ToolMetrics;
}

/** Deletes a file, a link itself, or a directory. */
export const deleteTool: Tool<DeleteInput, DeleteOutput> = {
  name: "Delete",
  description:
    "Deletes a file, a symbolic link (not what it leads to) or an empty directory; a directory " +
    "with content only when recursive is set. It can be undone after the commit.",
  input,
  readOnly: false,
  run(context, request) {
    const path = toolPathOf(context, request.path);
    const { overlay } = context;
    const node = findNode(overlay, path);
    if (node === undefined) {
      throw new DraftError("DRAFT_TOOL_INPUT", `Cannot delete ${path}: there is nothing.`, {
        path,
      });
    }
    if (path === overlay.root) {
      const message = `Cannot delete ${path}: it is the root. Name something below it.`;
      throw new DraftError("DRAFT_TOOL_INPUT", message, { path });
    }
    const place = ledgerPlaceOf(context, path);
    const { durationMs } = timed(() => {
      if (!node.isDirectory()) overlay.fs.unlinkSync(path);
      else if (request.recursive === true) overlay.fs.rmSync(path, { recursive: true });
      else overlay.fs.rmdirSync(path);
    });
    context.reads?.forget(place);
    const kind = node.isDirectory() ? "directory" : node.isSymbolicLink() ? "symlink" : "file";
    return { path, kind, staged: true, metrics: plainMetrics(durationMs, { deletes: 1 }) };
  },
};
