import { z } from "zod";
import { findBytes, findTarget } from "../engines/overlay-path.ts";
import { decodeText, isText, textEncodingOf } from "../engines/text-encoding.ts";
import { DraftError } from "../errors.ts";
import { KIB, MIB, searchBytesPerTurn } from "../limits.ts";
import { globTest } from "../overlay/path/glob-pattern.ts";
import { GrepResults } from "./grep-results.ts";
import { compileSearch, type LineFinder } from "./line-search.ts";
import { inSearchTurn } from "./search-turn.ts";
import { countRead, type Tool, type ToolContext } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";
import { noteUnnamed, turn, unlessUnreadable, type WalkedFile, walkFiles } from "./walk-files.ts";

/** Files beyond this are reported as skipped: reading them whole would stall everything else. */
const fileBytesMax = 64 * MIB;

const count = () => z.int().min(0).optional();
const input = z.strictObject({
  pattern: z.string().min(1).describe("Regular expression to look for"),
  path: z.string().min(1).optional().describe("File or directory to search; default the root"),
  glob: z
    .string()
    .optional()
    .describe("Only files whose name or path fits this glob; with ! the others"),
  type: z.string().optional().describe("Only files of this type, such as ts, py, rust, md"),
  output_mode: z.enum(["content", "files_with_matches", "count"]).optional(),
  "-A": count().describe("Lines to show after each match; for content"),
  "-B": count().describe("Lines to show before each match; for content"),
  "-C": count().describe("Lines to show around each match; for content"),
  "-n": z.boolean().optional().describe("Show line numbers; for content, default true"),
  "-i": z.boolean().optional().describe("Upper and lower case are the same"),
  multiline: z.boolean().optional().describe("Let a match span lines and . match line endings"),
  head_limit: count().describe("Entries to return, default 250; 0 returns all"),
  offset: count().describe("Entries to leave out first"),
});

export type GrepInput = z.infer<typeof input>;

export interface GrepOutput {
  readonly mode: "content" | "files_with_matches" | "count";
  /** Files with a match, absolute: those of a directory by name, then those of the ones in it. */
  readonly filenames: readonly string[];
  readonly numFiles: number;
  /** Lines as `path:line:text` (`-` for context), or `path:count`. */
  readonly content?: string;
  readonly numLines?: number;
  readonly numMatches?: number;
  readonly appliedLimit?: number;
  readonly appliedOffset?: number;
  /** Files that were too large, and what may not be read or has a name that is no UTF-8. */
  readonly skipped: readonly string[];
}

const extensionsByType: ReadonlyMap<string, readonly string[]> = new Map([
  ["c", ["c", "h"]],
  ["cpp", ["cc", "cpp", "cxx", "hh", "hpp", "hxx", "h"]],
  ["css", ["css", "scss"]],
  ["go", ["go"]],
  ["html", ["html", "htm"]],
  ["java", ["java"]],
  ["js", ["js", "jsx", "cjs", "mjs", "vue"]],
  ["json", ["json", "jsonl"]],
  ["md", ["md", "markdown", "mdx"]],
  ["php", ["php"]],
  ["py", ["py", "pyi"]],
  ["ruby", ["rb", "gemspec"]],
  ["rust", ["rs"]],
  ["sh", ["sh", "bash", "zsh"]],
  ["sql", ["sql"]],
  ["ts", ["ts", "tsx", "cts", "mts"]],
  ["toml", ["toml"]],
  ["xml", ["xml", "svg"]],
  ["yaml", ["yaml", "yml"]],
]);

/** Searches the content of files in the merged view; binary and ignored ones are left out. */
export const grepTool: Tool<GrepInput, GrepOutput> = {
  name: "Grep",
  description:
    "Searches files with a regular expression. Returns the names of the files that match, their " +
    "lines (output_mode content) or their counts (count).",
  input,
  readOnly: true,
  run: (context, request) => inSearchTurn(context, () => grep(context, request)),
};

async function grep(context: ToolContext, request: GrepInput): Promise<GrepOutput> {
  const find = compileSearch({
    pattern: request.pattern,
    ignoreCase: request["-i"] === true,
    multiline: request.multiline === true,
  });
  const accepts = filterOf(request);
  const skipped: string[] = [];
  const results = new GrepResults(context.overlay, request);
  let bytesInTurn = 0;
  for await (const file of candidatesOf(context, request, skipped)) {
    if (file.isLink || !accepts(file.relative)) continue;
    const text = findSearchable(context, file.absolute, skipped);
    if (text === undefined) continue;
    const { lines, found } = matchesIn(text, find);
    bytesInTurn += text.length;
    if (bytesInTurn > searchBytesPerTurn) {
      bytesInTurn = 0;
      await turn(context);
    }
    if (found.length > 0) results.add(file.absolute, lines, found);
  }
  return { ...results.output(), skipped };
}

async function* candidatesOf(
  context: ToolContext,
  request: GrepInput,
  skipped: string[],
): AsyncGenerator<WalkedFile> {
  const start = toolPathOf(context, request.path ?? ".");
  const node = findTarget(context.overlay, start);
  if (node === undefined) {
    throw new DraftError("DRAFT_TOOL_INPUT", `Cannot search ${start}: there is nothing.`, {
      path: start,
    });
  }
  if (node.isDirectory()) yield* walkFiles(context, start, { skipped });
  else {
    const name = start.slice(start.lastIndexOf("/") + 1);
    yield { absolute: start, relative: name, isLink: false };
  }
}

function filterOf(request: GrepInput): (path: string) => boolean {
  const filters: ((path: string) => boolean)[] = [];
  if (request.glob !== undefined) {
    filters.push(globFilterOf(request.glob));
  }
  if (request.type !== undefined) {
    const extensions = extensionsByType.get(request.type) ?? [request.type];
    filters.push((path) => extensions.some((extension) => path.endsWith(`.${extension}`)));
  }
  return (path) => filters.every((accepts) => accepts(path));
}

/** As ripgrep's `--glob`: a slash ties it to where the search begins, `!` leaves out what fits. */
function globFilterOf(glob: string): (path: string) => boolean {
  const isNegated = glob.startsWith("!");
  const pattern = isNegated ? glob.slice(1) : glob;
  const inside = pattern.replace(/^\.?\//, "");
  const fits = globTest(pattern.includes("/") ? inside : `**/${inside}`);
  return isNegated ? (path) => !fits(path) : fits;
}

/** The text of a file; `undefined` for a binary one. */
function findSearchable(context: ToolContext, path: string, skipped: string[]): string | undefined {
  const size = findTarget(context.overlay, path)?.size ?? 0;
  if (size > fileBytesMax) {
    skipped.push(path);
    return undefined;
  }
  const bytes = unlessUnreadable(path, skipped, () => findBytes(context.overlay, path));
  if (bytes === undefined) {
    if (!skipped.includes(path)) noteUnnamed(path, skipped);
    return undefined;
  }
  countRead(context, bytes.length);
  const encoding = textEncodingOf(bytes);
  if (encoding !== "utf-8") return isText(bytes) ? decodeText(bytes, encoding) : undefined;
  // As git and grep do: a NUL near the start means binary.
  return bytes.subarray(0, 8 * KIB).includes(0) ? undefined : bytes.toString("utf8");
}

function matchesIn(
  content: string,
  find: LineFinder,
): { readonly lines: readonly string[]; readonly found: readonly number[] } {
  const text = content.replace(/\r\n/g, "\n");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return { lines, found: find(text, lines).filter((line) => line < lines.length) };
}
