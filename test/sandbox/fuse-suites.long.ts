import { describe, it, vi } from "vitest";
import { canServeFuse } from "./sandbox-fixture.ts";

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

// What the quick suite promises of the other engines is promised of this one as well.
vi.mock("./sandbox-fixture.ts", async (load) => ({
  ...(await load<typeof import("./sandbox-fixture.ts")>()),
  kernelEngines: ["fuse"],
  allEngines: ["fuse"],
}));

if (canServeFuse) {
  await import("./containment.test.ts");
  await import("./session.test.ts");
  await import("./touched.test.ts");
  await import("./holes.test.ts");
  await import("./fuse-cases.ts");
  await import("./commit.test.ts");
  await import("./moved-files.test.ts");
  await import("./limits.test.ts");
} else {
  describe("sessions of engine fuse", () => {
    it("are not tested: this user may not open /dev/fuse", () => {});
  });
}
