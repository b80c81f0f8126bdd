import { describe, expect, it } from "vitest";
import type { FuseBackend } from "../../src/sandbox/fuse/backend.ts";
import { ownerBackend } from "../../src/sandbox/fuse/owner-backend.ts";
import { factsNameOf, upperNameOf } from "../../src/sandbox/fuse/served-names.ts";
import type { UpperView } from "../../src/sandbox/fuse/upper-view.ts";
import { resolveRedirect } from "../../src/sandbox/harvest/overlay-redirects.ts";

const secret = ".draftfs-secret";
const calls: string[] = [];
/** Notes what reaches the tree. */
const tree = new Proxy({} as FuseBackend, {
  ownKeys: () => [],
  get: (_, name) => () => calls.push(String(name)),
});
const backend = ownerBackend(tree, {} as UpperView, secret);

/** Names that a command may learn by watching the directory while they are looked up. */
const names = [
  factsNameOf(secret, "1", { facts: -1, nodes: -1 }),
  upperNameOf(secret),
  `${upperNameOf(secret)}/a`,
];

describe.each(names)("the name %s of the owner", (name) => {
  it("leads to nothing on the disk", () => {
    expect(backend.lowerDirectory(name)).toBeUndefined();
  });

  it.each([
    ["create", () => backend.create(name, 0o600, false)],
    ["mkdir", () => backend.mkdir(name, 0o700)],
    ["unlink", () => backend.unlink(name)],
    ["rmdir", () => backend.rmdir(name)],
    ["rename away", () => backend.rename(name, "a")],
    ["rename over", () => backend.rename("a", name)],
    ["link to", () => backend.link(name, "a")],
    ["link as", () => backend.link("a", name)],
    ["symlink", () => backend.symlink(Buffer.from("/"), name)],
    ["lchown", () => backend.lchown(name, 0, 0)],
    ["lutimes", () => backend.lutimes(name, 0n, 0n)],
    ["open for writing", () => backend.open(name, true)],
  ] as const)("refuses to %s", (_, change) => {
    calls.length = 0;
    expect(change).toThrow(expect.objectContaining({ code: "EPERM" }));
    expect(calls).toEqual([]);
  });
});

it("lets everything through to other names", () => {
  calls.length = 0;
  backend.create("a", 0o600, true);
  backend.rename("a", "b");
  backend.symlink(Buffer.from("a"), "c");
  expect(calls).toEqual(["create", "rename", "symlink"]);
});

it("takes no redirect that leads out of the tree", () => {
  expect(resolveRedirect("/a/b", undefined)).toBe("a/b");
  expect(resolveRedirect("b", "a")).toBe("a/b");
  for (const value of ["/../etc", "..", "/a/./b"]) {
    expect(() => resolveRedirect(value, "a")).toThrow(
      expect.objectContaining({ code: "DRAFT_SANDBOX_FAILED" }),
    );
  }
});
