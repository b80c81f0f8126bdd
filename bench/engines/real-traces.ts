import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Edit } from "../../src/engines/coalesce/edit.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { alignTokens } from "../../src/engines/template/align-tokens.ts";
import { isText } from "../../src/engines/text-encoding.ts";
import { traceContentOf, traceLineOf, traceVersion } from "../../src/engines/trace/trace.ts";
import type { TraceLine } from "../../src/engines/trace/trace-line.ts";
import { projectDirectory } from "../../test/support/project-directory.ts";
import type { Scale } from "./scenario.ts";

/** A trace recorded from something that really happened. */
export interface RealTrace {
  readonly name: string;
  readonly text: string;
  /** Whether it makes the files of the trace before it by the same writes, for plain code. */
  readonly isRepeated: boolean;
}

/** Records the traces in a directory; one that cannot be recorded here says why instead. */
export function recordRealTraces(
  directory: string,
  scale: Scale,
): (RealTrace | { readonly name: string; readonly missing: string })[] {
  const recorders: Record<string, (at: string, scale: Scale) => string> = {
    "git history as edits": historyTrace,
    "the same, one edit at a time": editwiseTrace,
    "formatter over a tree": formatterTrace,
    "code generator": generatorTrace,
    "npm install": installTrace,
  };
  return Object.entries(recorders).map(([name, record], index) => {
    const at = join(directory, `trace-${index}`);
    fs.mkdirSync(at);
    try {
      return { name, text: record(at, scale), isRepeated: record === editwiseTrace };
    } catch (error) {
      return { name, missing: error instanceof Error ? (error.message.split("\n")[0] ?? "") : "" };
    }
  });
}

/** The commits of this project, each changed file as the edits of its lines. */
function historyTrace(_at: string, { tiny }: Scale): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: projectDirectory(), maxBuffer: 1 << 28 });
  const limit = tiny ? "3" : "40";
  const log = git("log", "--no-merges", "--reverse", `-n${limit}`, "--format=%H %ct").toString();
  const commits = log
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const startedAt = Number(commits[0]?.[1] ?? 0);
  const lines: TraceLine[] = [];
  const known = new Set<string>();
  for (const [hash = "", time = "0"] of commits) {
    const parent = `${hash}^`;
    if (
      spawnSync("git", ["rev-parse", "-q", "--verify", parent], { cwd: projectDirectory() })
        .status !== 0
    ) {
      continue;
    }
    const atMs = (Number(time) - startedAt) * 1000;
    const names = git("diff", "--name-status", "--no-renames", "-z", parent, hash).toString();
    const fields = names.split("\0");
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const [status, path = ""] = fields.slice(index, index + 2);
      const before = status === "A" ? undefined : git("show", `${parent}:${path}`);
      const after = status === "D" ? undefined : git("show", `${hash}:${path}`);
      if (before !== undefined && !known.has(path)) {
        lines.push({ type: "base", path, content: traceContentOf(before, "inline") });
      }
      known.add(path);
      lines.push(traceLineOf(atMs + index, changeOf(path, before, after), "inline"));
    }
    lines.push({ type: "commit", atMs });
  }
  return traceText(lines);
}

/**
 * The same commits, every edit of a file as an operation of its own, as they were made once: a file
 * is written as often as it was edited.
 */
function editwiseTrace(at: string, scale: Scale): string {
  const lines = historyTrace(at, scale).trim().split("\n");
  const parted = lines.flatMap((text): string[] => {
    const line = JSON.parse(text) as TraceLine;
    if (line.type !== "operation" || line.operation.kind !== "edit") return [text];
    const { operation, atMs } = line;
    return operation.edits.map((edit) =>
      JSON.stringify({ type: "operation", atMs, operation: { ...operation, edits: [edit] } }),
    );
  });
  return `${parted.join("\n")}\n`;
}

function changeOf(path: string, before?: Buffer, after?: Buffer): Operation {
  if (after === undefined) return { kind: "delete", path };
  if (before === undefined || !isText(before) || !isText(after)) {
    return { kind: "write", path, bytes: after };
  }
  const edits = lineEdits(before.toString(), after.toString());
  return edits.length === 0 ? { kind: "write", path, bytes: after } : { kind: "edit", path, edits };
}

/** Edits of whole lines that lead from one text to another, last first so that numbers hold. */
function lineEdits(before: string, after: string): Edit[] {
  const old = before.split(/(?<=\n)/);
  const now = after.split(/(?<=\n)/);
  const edits: Edit[] = [];
  let [oldAt, newAt] = [0, 0];
  for (const [oldNext, newNext] of [...alignTokens(old, now), [old.length, now.length] as const]) {
    if (oldNext > oldAt || newNext > newAt) {
      const text = now.slice(newAt, newNext).join("");
      edits.unshift({ kind: "lines", first: oldAt + 1, last: oldNext, text });
    }
    [oldAt, newAt] = [oldNext + 1, newNext + 1];
  }
  return edits;
}

/** This project's sources written with tabs and put right again by the formatter. */
function formatterTrace(at: string, { tiny }: Scale): string {
  const sources = join(projectDirectory(), "src", tiny ? "metrics" : "");
  fs.cpSync(sources, join(at, "src"), { recursive: true });
  const biome = join(projectDirectory(), "node_modules/.bin/biome");
  const format = (style: string) => {
    const args = ["format", "--write", "--vcs-enabled=false", `--indent-style=${style}`, "src"];
    execFileSync(biome, args, { cwd: at, stdio: "pipe" });
  };
  fs.writeFileSync(join(at, "biome.json"), "{}");
  format("tab");
  return changesOf(at, () => format("space"));
}

/** JavaScript and declarations, as the compiler emits them. */
function generatorTrace(at: string, { tiny }: Scale): string {
  const project = projectDirectory();
  const sources = tiny ? ["src/errors.ts"] : ["src/index.ts"];
  const options = ["--declaration", "--noCheck", "--outDir", join(at, "out"), "--noEmit", "false"];
  return changesOf(at, () => {
    const compiler = join(project, "node_modules/.bin/tsc");
    const flags = [
      ...["--target", "es2023", "--module", "node20", "--rewriteRelativeImportExtensions"],
      ...["--types", "node", "--skipLibCheck", "--ignoreConfig"],
    ];
    spawnSync(compiler, [...sources, ...flags, ...options], { cwd: project });
  });
}

/** What npm puts in place for two packages; for a local one when tiny, which needs no network. */
function installTrace(at: string, { tiny }: Scale): string {
  if (tiny) {
    fs.mkdirSync(join(at, "local"));
    fs.writeFileSync(join(at, "local/index.js"), "module.exports = 1;\n");
    fs.writeFileSync(join(at, "local/package.json"), '{"name":"local","version":"1.0.0"}');
  }
  const dependencies = tiny ? { local: "file:./local" } : { diff: "9.0.0", yaml: "2.9.1" };
  const manifest = { name: "trace", private: true, dependencies };
  fs.writeFileSync(join(at, "package.json"), JSON.stringify(manifest));
  return changesOf(at, () => {
    const args = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
    execFileSync("npm", args, { cwd: at, stdio: "pipe", timeout: 60_000, env: process.env });
  });
}

/** What a program changed below a directory, in the order in which the files were last changed. */
function changesOf(at: string, program: () => void): string {
  const before = filesOf(at);
  const startedAt = Date.now();
  program();
  const after = filesOf(at);
  const changed = [...after].filter(([path, file]) => {
    return before.get(path)?.bytes.equals(file.bytes) !== true;
  });
  changed.sort(([, a], [, b]) => a.ctimeMs - b.ctimeMs);
  const lines: TraceLine[] = changed.flatMap(([path]): TraceLine[] => {
    const old = before.get(path);
    return old ? [{ type: "base", path, content: traceContentOf(old.bytes, "inline") }] : [];
  });
  for (const [path, { bytes, ctimeMs }] of changed) {
    const atMs = Math.max(0, ctimeMs - startedAt);
    lines.push(traceLineOf(atMs, { kind: "write", path, bytes }, "inline"));
  }
  for (const path of before.keys()) {
    if (!after.has(path)) {
      lines.push(traceLineOf(Date.now() - startedAt, { kind: "delete", path }, "inline"));
    }
  }
  if (changed.length === 0) throw new Error("the program changed nothing");
  lines.push({ type: "commit", atMs: Date.now() - startedAt });
  return traceText(lines);
}

function filesOf(at: string): Map<string, { readonly bytes: Buffer; readonly ctimeMs: number }> {
  const files = new Map<string, { bytes: Buffer; ctimeMs: number }>();
  for (const entry of fs.readdirSync(at, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const absolute = join(entry.parentPath, entry.name);
    const { ctimeMs } = fs.statSync(absolute);
    files.set(absolute.slice(at.length + 1), { bytes: fs.readFileSync(absolute), ctimeMs });
  }
  return files;
}

function traceText(lines: readonly TraceLine[]): string {
  const header: TraceLine = { type: "trace", version: traceVersion };
  return `${[header, ...lines].map((line) => JSON.stringify(line)).join("\n")}\n`;
}
