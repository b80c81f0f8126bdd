import { z } from "zod";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { globTest } from "../overlay/path/glob-pattern.ts";
import type { Tool } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";

const input = z.strictObject({
  path: z.string().min(1).optional().describe("Absolute path of the directory; default the root"),
  ignore: z.array(z.string()).optional().describe("Glob patterns of names to leave out"),
});

export type ListInput = z.infer<typeof input>;

export interface ListOutput {
  readonly path: string;
  readonly entries: readonly {
    readonly name: string;
    readonly kind: "file" | "directory" | "symlink" | "other";
  }[];
}

/** Lists one directory of the merged view, by name. */
export const listTool: Tool<ListInput, ListOutput> = {
  name: "List",
  description: "Lists the names in a directory as it will be after the commit, with their kinds.",
  input,
  readOnly: true,
  run(context, request) {
    const path = toolPathOf(context, request.path ?? ".");
    const ignored = (request.ignore ?? []).map((pattern) => globTest(pattern));
    const entries = context.overlay.fs
      .readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => name !== stateDirectoryName)
      .filter(({ name }) => !ignored.some((matches) => matches(name)))
      .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { path, entries };
  },
};

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }) {
  if (entry.isFile()) return "file" as const;
  if (entry.isDirectory()) return "directory" as const;
  return entry.isSymbolicLink() ? ("symlink" as const) : ("other" as const);
}
