import { z } from "zod";
import { plainMetrics, type ToolMetrics, timed } from "./file-result.ts";
import type { Tool } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";

const input = z.strictObject({
  path: z.string().min(1).describe("Absolute path of the directory to make"),
});

export type MakeDirectoryInput = z.infer<typeof input>;

export interface MakeDirectoryOutput {
  readonly path: string;
  /** `false` when it was there already. */
  readonly created: boolean;
  readonly staged: true;
  readonly metrics: ToolMetrics;
}

/** Makes a directory and its parents. */
export const makeDirectoryTool: Tool<MakeDirectoryInput, MakeDirectoryOutput> = {
  name: "MakeDirectory",
  description: "Makes a directory and the parents it lacks. Nothing happens where it exists.",
  input,
  readOnly: false,
  run(context, request) {
    const path = toolPathOf(context, request.path);
    const { value: first, durationMs } = timed(() =>
      context.overlay.fs.mkdirSync(path, { recursive: true }),
    );
    const metrics = plainMetrics(durationMs);
    return { path, created: first !== undefined, staged: true, metrics };
  },
};
