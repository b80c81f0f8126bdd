import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { remedyFor } from "../../src/sandbox/sandbox-error.ts";

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "draftfs-remedy-"));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe.runIf(process.platform === "linux")("the remedy for an engine that fails", () => {
  it("names the right to make devices when copying one is refused", () => {
    const copy = ["cp", "-a", "/dev/null", join(scratch, "null")];
    const drop = ["setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod", "--"];
    const [program = "", ...args] = process.geteuid?.() === 0 ? [...drop, ...copy] : copy;
    const env = { ...process.env, LC_ALL: "C" };
    const { status, stderr } = spawnSync(program, args, { env, encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stderr).toContain("Operation not permitted");
    expect(remedyFor(stderr)).toContain("MKNOD");
    expect(remedyFor(stderr)).not.toContain("apparmor");
  });

  it("names user namespaces when unshare itself is refused", () => {
    const reason = "unshare: unshare failed: Operation not permitted";
    expect(remedyFor(reason)).toContain("user namespaces are not allowed");
  });
});
