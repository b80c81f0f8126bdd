import { z } from "zod";
import { findNode } from "../engines/overlay-path.ts";
import { globTest } from "../overlay/path/glob-pattern.ts";
import { inSearchTurn } from "./search-turn.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";
import { walkFiles } from "./walk-files.ts";

/** Names returned at most: more would drown the reader; the pattern should be narrower. */
const filesMax = 100;

const input = z.strictObject({
  pattern: z.string().min(1).describe("Glob pattern, such as src/**/*.ts"),
  path: z.string().min(1).optional().describe("Directory to search; default the root"),
});

export type GlobInput = z.infer<typeof input>;

export interface GlobOutput {
  /** Absolute paths, the most recently changed first. */
  readonly filenames: readonly string[];
  /** Files that fit, also those left out. */
  readonly numFiles: number;
  readonly truncated: boolean;
  /** Directories that may not be read, or have a name that is no UTF-8. */
  readonly skipped: readonly string[];
  readonly durationMs: number;
}

/** Finds files by name in the merged view, ignored ones too. */
export const globTool: Tool<GlobInput, GlobOutput> = {
  name: "Glob",
  description:
    "Finds files by a glob pattern, the most recently changed first; at most 100 are returned.",
  input,
  readOnly: true,
  run: (context, request) => inSearchTurn(context, () => glob(context, request)),
};

async function glob(context: ToolContext, request: GlobInput): Promise<GlobOutput> {
  const startedAt = performance.now();
  const matches = globTest(request.pattern.replace(/^\.\//, ""));
  const skipped: string[] = [];
  const found: { path: string; mtimeMs: number }[] = [];
  const start = toolPathOf(context, request.path ?? ".");
  for await (const file of walkFiles(context, start, { ignored: true, skipped })) {
    const fits = matches(request.pattern.startsWith("/") ? file.absolute : file.relative);
    if (!fits) continue;
    const mtimeMs = findNode(context.overlay, file.absolute)?.mtimeMs ?? 0;
    found.push({ path: file.absolute, mtimeMs });
  }
  found.sort((a, b) => b.mtimeMs - a.mtimeMs || (a.path < b.path ? -1 : 1));
  return {
    filenames: found.slice(0, filesMax).map(({ path }) => path),
    numFiles: found.length,
    truncated: found.length > filesMax,
    skipped,
    durationMs: performance.now() - startedAt,
  };
}
