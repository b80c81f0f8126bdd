import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from "vitest";

const setDescriptorFlags = 2;

/** The number of an open file that every child of this process gets, as if it had been given. */
function inheritedDescriptor(): number {
  const koffi = createRequire(import.meta.url)("koffi") as {
    load(path: null): { func(prototype: string): (...values: number[]) => number };
  };
  const descriptor = openSync("/dev/zero", "r");
  onTestFinished(() => closeSync(descriptor));
  expect(koffi.load(null).func("int fcntl(int, int, int)")(descriptor, setDescriptorFlags, 0)).toBe(
    0,
  );
  return descriptor;
}

afterEach(() => {
  vi.unstubAllEnvs();
});
// The next file of this process loads everything in its own environment.
afterAll(() => vi.resetModules());

describe.runIf(process.platform === "linux")("the streams of a command", () => {
  it.each(["0", "1"])("are all that it has of ours, with DRAFTFS_NATIVE=%s", async (wish) => {
    vi.resetModules();
    vi.stubEnv("DRAFTFS_NATIVE", wish);
    const { SealedStreams } = await import("../../src/sandbox/namespace/sealed-streams.ts");
    const descriptor = inheritedDescriptor();
    const show = (stdio: readonly unknown[]): string => {
      const command = ["readlink", [`/proc/self/fd/${descriptor}`]] as const;
      return spawnSync(...command, { stdio: [...stdio] as never, encoding: "utf8" }).stdout.trim();
    };
    expect(show(["ignore", "pipe", "ignore"])).toBe("/dev/zero");
    const streams = new SealedStreams(["ignore", "pipe", "ignore"]);
    const shown = show(streams.stdio);
    streams.release();
    expect(shown).toBe("/dev/null");
  });
});
