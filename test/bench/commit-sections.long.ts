import { execFileSync } from "node:child_process";
import process from "node:process";
import { beforeAll, describe, expect, test } from "vitest";
import { sections } from "../../bench/commit/sections.ts";
import { CompiledProject } from "../support/compiled-project.ts";

describe("every section of the commit benchmark still runs", () => {
  let project: CompiledProject;
  beforeAll(() => {
    project = CompiledProject.build();
  });

  test.for(Object.keys(sections))("%s", (name) => {
    const program = project.pathOf("bench/commit/run.ts");
    const output = execFileSync(
      process.execPath,
      [program, "--tiny", "--rounds", "1", "--only", name],
      { encoding: "utf8" },
    );
    expect(output).toMatch(/ms \||_|###|median/);
  });
});
