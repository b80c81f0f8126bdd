import { describe, it, vi } from "vitest";
import { longCases, quickCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { canServeFuse } from "./sandbox-fixture.ts";

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

describe.runIf(canServeFuse)("a command over a FUSE mount", () => {
  describeDifferential("fuse", [...quickCases, ...longCases]);
});

describe.runIf(!canServeFuse)("a command over a FUSE mount", () => {
  it("is not tested: this user may not open /dev/fuse", () => {});
});
