import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({
    "a.txt": "one\n",
    "gone.txt": "gone\n",
    "old/b.txt": "b\n",
    "old/deep/c.txt": "c\n",
  });
});
afterEach(() => project[Symbol.dispose]());

/** Directories are moved as such by root's commands; for others the kernel makes copies. */
const movesDirectories = process.geteuid?.() === 0;
const operationCount = movesDirectories ? 7 : 10;

const script =
  "sleep 0.01; echo two >> a.txt; rm gone.txt; mv old new; echo B > new/b.txt; ln -s a.txt link; " +
  "for i in 1 2 3; do echo $i > made-$i.txt; done";

function record(...options: string[]): Record<string, unknown>[] {
  const trace = project.beside("trace.jsonl");
  const { code, err } = project.draftfs([
    ...["run", "--record", trace, ...options, "--"],
    ...["sh", "-c", script],
  ]);
  if (code !== 0) throw new Error(err);
  const lines = fs.readFileSync(trace, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("draftfs run --record", () => {
  it("writes a trace of what is pending, with all that it starts from", () => {
    const lines = record();
    expect(lines[0]).toEqual({ type: "trace", version: 1 });
    const base = lines.filter(({ type }) => type === "base").map(({ path }) => path);
    expect(base.sort()).toEqual([
      ...["a.txt", "gone.txt", "old", "old/b.txt", "old/deep", "old/deep/c.txt"],
    ]);
    const operations = lines.flatMap(({ type, operation }) => {
      return type === "operation" ? [operation as { kind: string; path: string }] : [];
    });
    const told = operations.map(({ kind, path }) => `${kind} ${path}`);
    const moved = movesDirectories
      ? ["move old"]
      : [
          "delete_tree old",
          "make_directory new",
          "make_directory new/deep",
          "write new/deep/c.txt",
        ];
    if (movesDirectories) expect(told.slice(0, 2)).toEqual(["move old", "delete gone.txt"]);
    expect([...told].sort()).toEqual(
      [
        ...["write a.txt", "write made-1.txt", "write made-2.txt", "write made-3.txt"],
        ...["write new/b.txt", "delete gone.txt", ...moved],
      ].sort(),
    );
    const times = lines.flatMap(({ atMs }) => (typeof atMs === "number" ? [atMs] : []));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(lines.at(-1)).toMatchObject({ type: "commit" });
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it("keeps content out of the trace on request", () => {
    const lines = JSON.stringify(record("--record-content", "hash"));
    expect(lines).not.toContain('"text"');
    expect(lines).toContain('"sha256"');
  });

  it("names the trace in its document", () => {
    const args = ["run", "--record", "trace.jsonl", "--json", "--", "true"];
    const { code, out } = project.draftfs(args);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ trace: "trace.jsonl", decision: "kept" });
  });

  it("says so when the trace cannot be written; the draft is kept", () => {
    const args = ["run", "--record", project.beside("no/trace"), "--", "sh", "-c", "echo x > x"];
    expect(project.draftfs(args)).toMatchObject({ code: 1 });
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
  });
});

describe("draftfs replay", () => {
  it("runs a trace under both strategies, side by side, and leaves nothing behind", () => {
    record();
    const place = project.beside("place");
    fs.mkdirSync(place);
    const args = ["replay", project.beside("trace.jsonl"), "--in", place];
    const { code, out, err } = project.draftfs(args);
    expect({ code, err }).toEqual({ code: 0, err: "The trace does not hold: link.\n" });
    expect(out).toMatch(
      new RegExp(
        `^ +plain +optimized\\noperations +${operationCount} +${operationCount}\\ncommits +1 `,
      ),
    );
    const why = "similar operations wait; the commit writes all of it together";
    expect(out).toMatch(new RegExp(`optimized: \\d+ × commit \\(BATCH\\): \\d+ ${why}`));
    expect(fs.readdirSync(place)).toEqual([]);
  });

  it("is told a directory that is there", () => {
    record();
    const place = project.beside("trace.jsonl");
    const { code, err } = project.draftfs(["replay", place, "--in", place]);
    expect({ code, err }).toEqual({
      code: 64,
      err: `draftfs: Cannot replay in ${place}: there is no such directory.\n`,
    });
  });

  it("prints a document, for the strategies that were asked for", () => {
    record();
    const trace = project.beside("trace.jsonl");
    const { strategies, skipped, exitCode } = project.json([
      ...["replay", trace, "--strategy", "optimized"],
    ]);
    expect({ skipped, exitCode }).toEqual({ skipped: ["link"], exitCode: 0 });
    expect(strategies).toMatchObject([
      {
        strategy: "optimized",
        operations: operationCount,
        commits: 1,
        hindsight: { decisions: operationCount },
      },
    ]);
  });

  it("goes by the configuration of the root", () => {
    record();
    const env = { ...process.env, WRITE_OPTIMIZATION_LEGACY: "true" };
    const { out } = project.draftfs(["replay", project.beside("trace.jsonl")], { env });
    expect(out).toContain(
      `optimized: ${operationCount} × standard path: optimisation is switched off.`,
    );
  });

  it("refuses what is no trace, with the line, and a file that is missing", () => {
    project.write("bad.jsonl", '{"type":"trace","version":1}\n{"type":"operation"}\n');
    const bad = project.draftfs(["replay", "bad.jsonl"]);
    expect(bad).toMatchObject({ code: 64, out: "" });
    expect(bad.err).toContain("line 2");
    const { error, exitCode } = project.json(["replay", "missing.jsonl"]);
    expect({ error, exitCode }).toMatchObject({ error: { code: "USAGE" }, exitCode: 64 });
  });

  it("refuses an empty file, and says that a recording of nothing holds no operations", () => {
    project.write("empty.jsonl", "");
    const empty = project.draftfs(["replay", "empty.jsonl"]);
    expect(empty).toMatchObject({ code: 64, out: "" });
    expect(empty.err).toContain("the file is empty");
    project.write("nothing.jsonl", '{"type":"trace","version":1}\n');
    const nothing = project.draftfs(["replay", "nothing.jsonl"]);
    expect(nothing).toMatchObject({
      code: 0,
      err: "The trace nothing.jsonl holds no operations.\n",
    });
  });

  it("says which operation cannot be done where the trace is not whole", () => {
    const operation = { kind: "delete", path: "never-there" };
    const lines = [
      { type: "trace", version: 1 },
      { type: "operation", atMs: 0, operation },
    ];
    project.write("torn.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
    const { code, err } = project.draftfs(["replay", "torn.jsonl"]);
    expect(code).toBe(1);
    expect(err).toContain("never-there");
  });
});
