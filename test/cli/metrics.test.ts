import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n" });
});
afterEach(() => project[Symbol.dispose]());

const standard = ".draftfs/.write_optimization_metrics.json";

interface Line {
  readonly id: string;
  readonly operation?: string;
  readonly startedAtMs: number;
}

function linesOf(path = standard): Line[] {
  if (!fs.existsSync(project.path(path))) return [];
  const lines = project.read(path).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

const operations = (path?: string) => linesOf(path).map(({ operation }) => operation);
const configure = (lines: string) => project.write("metrics_config.yaml", lines);

/** Puts operations into the file, as an earlier command would have. */
function recordEarlier(count: number, line: object, path = standard): void {
  const startedAtMs = Date.now();
  const whole = { operation: "undo", optimization: "none", outcome: "done", gain: 0, ...line };
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ id: `e${index}`, startedAtMs, ...whole }),
  );
  fs.appendFileSync(project.path(path), `${lines.join("\n")}\n`);
}

describe("commands that change something", () => {
  it("keep what they measured in the state directory, and leave the tree alone", () => {
    project.run("echo two > a.txt");
    expect(project.draftfs(["commit"]).code).toBe(0);
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.draftfs(["verify"]).code).toBe(0);
    expect(operations()).toEqual(["run", "commit", "undo", "verify"]);
    expect(new Set(linesOf().map(({ id }) => id)).size).toBe(4);
    expect(linesOf()[1]).toMatchObject({
      io: { writes: 1, bytesWritten: 4 },
      safety: { integrity: "sound" },
    });
    expect(project.tree()).toEqual({ "a.txt": "one\n" });
  });

  it("keep what failed and what was refused as well", () => {
    project.run("echo two > a.txt");
    project.draftfs(["commit"]);
    project.run("echo three > a.txt");
    project.write("a.txt", "by hand\n");
    expect(project.draftfs(["commit"]).code).toBe(3);
    fs.rmSync(project.path(".draftfs/checkpoints.git/objects"), { recursive: true });
    expect(project.draftfs(["gc"]).code).toBe(6);
    expect(linesOf().slice(3)).toMatchObject([
      { operation: "commit", outcome: "refused" },
      { operation: "gc", outcome: "failed" },
    ]);
  });

  it("keep it in the file that the configuration names, in memory alone, or not at all", () => {
    configure('metrics: { storage: { file_path: "m.jsonl" } }\n');
    project.run("true");
    expect(operations("m.jsonl")).toEqual(["run"]);
    for (const lines of ["storage: { backend: memory }", "collection: { enabled: false }"]) {
      configure(`metrics: { ${lines} }\n`);
      project.run("true");
      expect(operations()).toEqual([]);
    }
    expect(operations("m.jsonl")).toEqual(["run"]);
  });

  it("measure what is tracked, and bound the file", () => {
    configure(
      "metrics:\n  performance: { track_timing: false, track_system: true }\n" +
        "  storage: { max_file_size: 2KB }\n",
    );
    for (let n = 0; n < 8; n++) project.run("true");
    expect(linesOf().at(-1)).toMatchObject({ systemLoad: expect.any(Number) });
    expect(linesOf().at(-1)).not.toHaveProperty("durationMs");
    expect(fs.statSync(project.path(standard)).size).toBeLessThanOrEqual(2048);
    expect(linesOf().length).toBeLessThan(8);
  });

  it("never write over what somebody else has put there, and say so where it was named", () => {
    configure('metrics: { storage: { file_path: "a.txt" } }\n');
    const { err } = project.run("true");
    expect(err).toMatch(/Cannot keep measurements in .*a\.txt: it holds something else/);
    expect(project.read("a.txt")).toBe("one\n");
    fs.mkdirSync(project.beside("outside"));
    fs.symlinkSync(project.beside("outside"), project.path("link"));
    configure('metrics: { storage: { file_path: "link/m" } }\n');
    expect(project.run("true").err).toMatch(/Cannot keep measurements in .*: a link leads there/);
    expect(fs.readdirSync(project.beside("outside"))).toEqual([]);
  });

  it("do not keep what only looks", () => {
    for (const command of [["status"], ["log"], ["config"], ["drafts"], ["diff"]]) {
      project.draftfs(command);
    }
    expect(fs.existsSync(project.path(".draftfs"))).toBe(false);
  });
});

describe("alerts on the command line", () => {
  it("are told of once, on standard error, a line each", () => {
    project.run("echo two > a.txt");
    expect(project.draftfs(["commit"]).err).toBe("");
    recordEarlier(15, {});
    recordEarlier(2, { operation: "commit", safety: { rollback: "done" } });
    const { code, out, err } = project.draftfs(["undo"]);
    expect(code).toBe(0);
    expect(out).not.toContain("warning");
    expect(err).toMatch(
      /^draftfs: warning: 2 of 20 operations failed and were taken back, more than 5 %.*\n$/,
    );
    expect(linesOf().filter(({ operation }) => operation === undefined)).toMatchObject([
      { id: "rollback_rate", kind: "SafetyAlert", severity: "warning" },
    ]);
    expect(project.draftfs(["verify"]).err).toBe("");
  });

  it("are not raised by what was undone, however often", () => {
    project.run("echo two > a.txt");
    project.draftfs(["commit"]);
    recordEarlier(20, {});
    for (const command of ["undo", "redo", "undo", "redo", "undo"]) {
      expect(project.draftfs([command])).toMatchObject({ code: 0, err: "" });
    }
  });

  it("are not raised by what was refused before anything was done", () => {
    project.run("echo two > a.txt");
    recordEarlier(20, {});
    project.write("a.txt", "by hand\n");
    for (let n = 0; n < 2; n++) {
      const { code, err } = project.draftfs(["commit"]);
      expect([code, err]).toEqual([3, expect.not.stringContaining("draftfs: warning")]);
    }
    expect(linesOf().every(({ operation }) => operation !== undefined)).toBe(true);
  });

  it("are critical where the store is damaged; documents stay documents", () => {
    project.run("echo two > a.txt");
    project.draftfs(["commit"]);
    fs.rmSync(project.path(".draftfs/checkpoints.git/objects"), { recursive: true });
    const { out, err } = project.draftfs(["verify", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ isSound: false });
    expect(err).toMatch(/^draftfs: critical: 1 of 2 integrity checks failed\./m);
  });

  it("are silent where they are switched off", () => {
    configure("alerts: { enabled: false }\n");
    project.run("echo two > a.txt");
    project.draftfs(["commit"]);
    recordEarlier(20, { safety: { rollback: "done" } });
    expect(project.draftfs(["undo"]).err).toBe("");
  });
});
