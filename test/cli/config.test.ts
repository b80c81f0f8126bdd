import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n" });
});
afterEach(() => project[Symbol.dispose]());

describe("draftfs config", () => {
  it("shows defaults, and the file and line that a value comes from", () => {
    expect(project.draftfs(["config"]).out).toContain("all values are defaults");
    project.write("write_optimization_config.yaml", "write_optimization:\n  enabled: false\n");
    const { code, out } = project.draftfs(["config"]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^write_optimization\.enabled +false {2}\(.*\/write_optimization_config\.yaml:2\)$/m,
    );
    const { files, keys } = project.json(["config"]) as unknown as {
      files: string[];
      keys: { key: string; shown: string; origin: object }[];
    };
    expect(files).toEqual([project.path("write_optimization_config.yaml")]);
    expect(keys.find(({ key }) => key === "write_optimization.enabled")).toMatchObject({
      shown: "false",
      origin: { kind: "file", line: 2 },
    });
  });

  it("warns of what is set to something that nothing acts on yet", () => {
    expect(project.draftfs(["config"]).err).toBe("");
    project.write("metrics_config.yaml", "metrics:\n  storage:\n    backend: database\n");
    project.write("safety_config.yaml", "safety:\n  backups:\n    retention: 3\n");
    expect(project.draftfs(["config"]).err).toMatch(
      /^\S+metrics_config\.yaml:3: metrics\.storage\.backend is database, but nothing acts on it yet\.\n$/,
    );
  });

  it("is no reason to refuse what history is there for, when it is wrong", () => {
    project.run("echo '{' > safety_config.yaml; echo two > a.txt");
    expect(project.draftfs(["commit"]).code).toBe(0);
    for (const refused of [["status"], ["commit"], ["gc"], ["run", "--", "true"], ["config"]]) {
      expect(project.draftfs(refused)).toMatchObject({ code: 64 });
    }
    for (const command of [["log"], ["verify"], ["drift"], ["recover"], ["undo"]]) {
      const { code, err } = project.draftfs(command);
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(err).toMatch(/safety_config\.yaml:.*Going on with the defaults/s);
    }
    expect(project.tree()).toEqual({ "a.txt": "one\n" });
    expect(project.draftfs(["status"]).code).toBe(0);
  });

  it("names file, line and the key that was meant: exit 64", () => {
    project.write("write_optimization_config.yaml", "write_optimization:\n  enabeld: false\n");
    const { code, err } = project.draftfs(["config"]);
    expect(code).toBe(64);
    expect(err).toMatch(/write_optimization_config\.yaml:2:3.*enabled/s);
  });
});

describe("draftfs compare and drift", () => {
  it("show what two checkpoints differ in, and what was changed since the last", () => {
    project.run("echo two > a.txt");
    project.draftfs(["commit"]);
    project.run("echo three > a.txt; echo new > b.txt");
    project.draftfs(["commit"]);
    const { code, out } = project.draftfs(["compare", "1", "2"]);
    expect(code).toBe(2);
    expect(out).toContain("-two\n+three\n");
    expect(out).toContain("+++ b/b.txt");
    expect(project.draftfs(["compare", "2", "2"])).toMatchObject({ code: 0, out: "" });
    expect(project.draftfs(["compare", "2", "9"]).code).toBe(64);
    expect(project.draftfs(["drift"])).toMatchObject({ code: 0, out: "" });
    project.write("a.txt", "by hand\n");
    expect(project.draftfs(["drift"])).toMatchObject({ code: 2, out: "changed   a.txt\n" });
    expect(project.json(["drift"])["drift"]).toEqual([{ path: "a.txt", reason: "changed" }]);
  });
});
