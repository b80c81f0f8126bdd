import { describe, it, vi } from "vitest";
import type { CompiledProject } from "../support/compiled-project.ts";
import { longCases, quickCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { canServeFuse } from "./sandbox-fixture.ts";

const compiled = vi.hoisted(() => ({ project: undefined as CompiledProject | undefined }));

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { CompiledProject } = await import("../support/compiled-project.ts");
  compiled.project = CompiledProject.build();
  return { serverPath: compiled.project.pathOf("src/sandbox/fuse/server-main.ts") };
});

describe.runIf(canServeFuse)("a command over a FUSE mount", () => {
  describeDifferential("fuse", [...quickCases, ...longCases]);
});

describe.runIf(!canServeFuse)("a command over a FUSE mount", () => {
  it("is not tested: this user may not open /dev/fuse", () => {});
});
