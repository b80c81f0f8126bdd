import { z } from "zod";
import { findBytes, findTarget, shownPathOf } from "../engines/overlay-path.ts";
import { decodeText, isText, textEncodingOf } from "../engines/text-encoding.ts";
import { DraftError } from "../errors.ts";
import { KIB, MIB } from "../limits.ts";
import { globTest } from "../overlay/glob-pattern.ts";
import { compileSearch, type LineFinder } from "./line-search.ts";
import { countRead, type Tool, type ToolContext } from "./tool.ts";
import { toolPathOf } from "./tool-path.ts";
import { turn, type WalkedFile, walkFiles } from "./walk-files.ts";

/** Lines or names returned when `head_limit` is not given. */
const limitDefault = 250;
/** Files beyond this are reported as skipped: reading them whole would stall everything else. */
const fileBytesMax = 64 * MIB;
/** After so much text other work gets a turn. */
const bytesPerTurn = 4 * MIB;

const count = () => z.int().min(0).optional();
const input = z.strictObject({
  pattern: z.string().min(1).describe("Regular expression to look for"),
  path: z.string().min(1).optional().describe("File or directory to search; default the root"),
  glob: z.string().optional().describe("Only files whose name or path fits this glob"),
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
  /** Files that were too large to search. */
  readonly skipped: readonly string[];
}

const extensionsByType: Readonly<Record<string, readonly string[]>> = {
  c: ["c", "h"],
  cpp: ["cc", "cpp", "cxx", "hh", "hpp", "hxx", "h"],
  css: ["css", "scss"],
  go: ["go"],
  html: ["html", "htm"],
  java: ["java"],
  js: ["js", "jsx", "cjs", "mjs", "vue"],
  json: ["json", "jsonl"],
  md: ["md", "markdown", "mdx"],
  php: ["php"],
  py: ["py", "pyi"],
  ruby: ["rb", "gemspec"],
  rust: ["rs"],
  sh: ["sh", "bash", "zsh"],
  sql: ["sql"],
  ts: ["ts", "tsx", "cts", "mts"],
  toml: ["toml"],
  xml: ["xml", "svg"],
  yaml: ["yaml", "yml"],
};

/** Searches the content of files in the merged view; binary and ignored ones are left out. */
export const grepTool: Tool<GrepInput, GrepOutput> = {
  name: "Grep",
  description:
    "Searches files with a regular expression. Returns the names of the files that match, their " +
    "lines (output_mode content) or their counts (count).",
  input,
  readOnly: true,
  run: grep,
};

interface FileMatches {
  readonly path: string;
  readonly lines: readonly string[];
  readonly found: readonly number[];
}

async function grep(context: ToolContext, request: GrepInput): Promise<GrepOutput> {
  const find = compileSearch({
    pattern: request.pattern,
    ignoreCase: request["-i"] === true,
    multiline: request.multiline === true,
  });
  const accepts = filterOf(request);
  const skipped: string[] = [];
  const matched: FileMatches[] = [];
  let bytesInTurn = 0;
  for await (const file of candidatesOf(context, request)) {
    if (file.isLink || !accepts(file.relative)) continue;
    const text = findSearchable(context, file.absolute, skipped);
    if (text === undefined) continue;
    const matches = matchesIn(text, find);
    bytesInTurn += text.length;
    if (bytesInTurn > bytesPerTurn) {
      bytesInTurn = 0;
      await turn(context);
    }
    if (matches.found.length > 0) matched.push({ path: file.absolute, ...matches });
  }
  return { ...outputOf(context, request, matched), skipped };
}

async function* candidatesOf(context: ToolContext, request: GrepInput): AsyncGenerator<WalkedFile> {
  const start = toolPathOf(context, request.path ?? ".");
  const node = findTarget(context.overlay, start);
  if (node === undefined) {
    throw new DraftError("DRAFT_TOOL_INPUT", `Cannot search ${start}: there is nothing.`, {
      path: start,
    });
  }
  if (node.isDirectory()) yield* walkFiles(context, start);
  else {
    const name = start.slice(start.lastIndexOf("/") + 1);
    yield { absolute: start, relative: name, isLink: false };
  }
}

function filterOf(request: GrepInput): (path: string) => boolean {
  const filters: ((path: string) => boolean)[] = [];
  if (request.glob !== undefined) {
    const pattern = request.glob;
    filters.push(globTest(pattern.includes("/") ? pattern : `**/${pattern}`));
  }
  if (request.type !== undefined) {
    const extensions = extensionsByType[request.type] ?? [request.type];
    filters.push((path) => extensions.some((extension) => path.endsWith(`.${extension}`)));
  }
  return (path) => filters.every((accepts) => accepts(path));
}

/** The text of a file; `undefined` for a binary one. */
function findSearchable(context: ToolContext, path: string, skipped: string[]): string | undefined {
  const size = findTarget(context.overlay, path)?.size ?? 0;
  if (size > fileBytesMax) {
    skipped.push(path);
    return undefined;
  }
  const bytes = findBytes(context.overlay, path);
  if (bytes === undefined) return undefined;
  countRead(context, bytes.length);
  const encoding = textEncodingOf(bytes);
  if (encoding !== "utf-8") return isText(bytes) ? decodeText(bytes, encoding) : undefined;
  // As git and grep do: a NUL near the start means binary.
  return bytes.subarray(0, 8 * KIB).includes(0) ? undefined : bytes.toString("utf8");
}

function matchesIn(content: string, find: LineFinder): Pick<FileMatches, "lines" | "found"> {
  const text = content.replace(/\r\n/g, "\n");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return { lines, found: find(text, lines).filter((line) => line < lines.length) };
}

function outputOf(
  context: ToolContext,
  request: GrepInput,
  matched: readonly FileMatches[],
): Omit<GrepOutput, "skipped"> {
  const mode = request.output_mode ?? "files_with_matches";
  const filenames = matched.map(({ path }) => path);
  const limits = {
    ...(request.head_limit === undefined ? {} : { appliedLimit: request.head_limit }),
    ...(request.offset === undefined ? {} : { appliedOffset: request.offset }),
  };
  const numFiles = filenames.length;
  switch (mode) {
    case "files_with_matches":
      return { mode, filenames: pageOf(filenames, request), numFiles, ...limits };
    case "count": {
      const counts = matched.map(
        ({ path, found }) => `${shownPathOf(context.overlay, path)}:${found.length}`,
      );
      const numMatches = matched.reduce((sum, { found }) => sum + found.length, 0);
      const content = pageOf(counts, request).join("\n");
      return { mode, filenames, numFiles, content, numMatches, ...limits };
    }
    case "content": {
      const lines = pageOf(
        matched.flatMap((file) => linesOf(context, request, file)),
        request,
      );
      const content = lines.join("\n");
      return { mode, filenames, numFiles, content, numLines: lines.length, ...limits };
    }
  }
}

function pageOf<T>(entries: readonly T[], { offset = 0, head_limit }: GrepInput): T[] {
  const limit = head_limit ?? limitDefault;
  return entries.slice(offset, limit === 0 ? undefined : offset + limit);
}

function linesOf(context: ToolContext, request: GrepInput, file: FileMatches): string[] {
  const before = request["-B"] ?? request["-C"] ?? 0;
  const after = request["-A"] ?? request["-C"] ?? 0;
  const matching = new Set(file.found);
  const shown = new Set<number>();
  for (const line of file.found) {
    const last = Math.min(file.lines.length - 1, line + after);
    for (let index = Math.max(0, line - before); index <= last; index++) shown.add(index);
  }
  const path = shownPathOf(context.overlay, file.path);
  const output: string[] = [];
  let previous: number | undefined;
  for (const index of [...shown].sort((a, b) => a - b)) {
    const hasGap = previous !== undefined && index > previous + 1;
    if (hasGap && before + after > 0) output.push("--");
    const mark = matching.has(index) ? ":" : "-";
    const number = request["-n"] === false ? "" : `${index + 1}${mark}`;
    output.push(`${path}${mark}${number}${file.lines[index] ?? ""}`);
    previous = index;
  }
  return output;
}
