import { accessSync, constants, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { kernelEngines, openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";

// What an earlier file of this process has loaded knows nothing of the mock.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

function hasDevice(): boolean {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const engines = [...kernelEngines, ...(hasDevice() ? (["fuse"] as const) : [])];

const readAll = "find . -type f -exec cat {} + 2>/dev/null; true";

describe.each(engines)("what is denied over engine %s", (engine) => {
  it("stays so when a directory above it was renamed, and is not lost", async () => {
    const root = treeOf({
      "dir/secret": "SECRET\n",
      "dir/open": "open\n",
      "deep/a/secret": "SECRET\n",
    });
    const denyRead = ["dir/secret", "deep/a/secret"];
    const { layer, session, sh } = await openOver(root, { engine, denyRead });
    layer.fs.renameSync(join(root, "dir"), join(root, "moved"));
    layer.fs.renameSync(join(root, "deep"), join(root, "moved/deep"));
    expect(await sh(readAll)).toBe("open\n");
    expect(await sh("echo more >> moved/open; touch moved/deep/a/new")).toBe("");
    expect(layer.fs.readFileSync(join(root, "moved/open"), "utf8")).toBe("open\nmore\n");
    expect(layer.fs.readFileSync(join(root, "moved/secret"), "utf8")).toBe("SECRET\n");
    expect(layer.fs.readFileSync(join(root, "moved/deep/a/secret"), "utf8")).toBe("SECRET\n");
    await session.suspend();
    expect(await sh(readAll)).toBe("open\nmore\n");
  });

  it("stays so when a command renames a directory above it", async () => {
    const root = treeOf({ "dir/secret": "SECRET\n", "dir/open": "open\n" });
    const { layer, session, sh } = await openOver(root, { engine, denyRead: ["dir/secret"] });
    expect(await sh(`mv dir moved 2>/dev/null; ${readAll}`)).not.toMatch(/SECRET/);
    await session.suspend();
    expect(await sh(readAll)).not.toMatch(/SECRET/);
    const place = layer.fs.existsSync(join(root, "dir")) ? "dir" : "moved";
    expect(layer.fs.readFileSync(join(root, place, "secret"), "utf8")).toBe("SECRET\n");
  });

  it("stays so when the API renames it or writes below it", async () => {
    const root = treeOf({ "keys/old": "SECRET\n", secret: "SECRET\n", "other/x": "x\n" });
    const { layer, sh } = await openOver(root, { engine, denyRead: ["keys/", "./secret"] });
    layer.fs.writeFileSync(join(root, "keys/new"), "SECRET\n");
    layer.fs.renameSync(join(root, "secret"), join(root, "renamed"));
    expect(await sh(`${readAll}; ls keys`)).not.toMatch(/SECRET|new/);
    expect(await sh("mkdir made; echo made > made/file; cat made/file")).toBe("made\n");
    expect(layer.fs.readFileSync(join(root, "keys/new"), "utf8")).toBe("SECRET\n");
  });

  it("may be named by a pattern outside of the tree, and by links", async () => {
    const root = treeOf({ "real/secret": "SECRET\n", a: "a\n" });
    const out = scratchDirectory();
    mkdirSync(join(out, "vault"));
    for (const name of ["id_a", "id_b", "vault/k"]) writeFileSync(join(out, name), "SECRET\n");
    writeFileSync(join(out, "public"), "public\n");
    symlinkSync("vault", join(out, "link"));
    symlinkSync("real/secret", join(root, "named"));
    const { sh } = await openOver(root, {
      engine,
      temporary: "read-only",
      denyRead: [join(out, "id_*"), join(out, "link"), "named"],
    });
    expect(
      await sh(`cat ${out}/id_a ${out}/id_b ${out}/vault/k ${out}/link/k ${out}/public 2>&1`),
    ).toMatch(/^(cat: .*\n)*public\n$/);
    expect(await sh("cat real/secret named a 2>&1")).toMatch(/^(cat: .*\n)*a\n$/);
  });

  it("is said to be nothing when a pattern matches nothing", async () => {
    const denyRead = ["no-such/**", "/nowhere/id_*", "a"];
    const { session } = await openOver(treeOf({ a: "a\n" }), { engine, denyRead });
    const { warnings } = await session.run("true", [], { stdio: "ignore" });
    expect(warnings.join("\n")).toMatch(/no-such[\s\S]*\/nowhere\/id_\*/);
    expect(warnings).toHaveLength(2);
  });
});

it("refuses a pattern that leads over the whole disk", async () => {
  vi.resetModules();
  vi.doMock("../../src/limits.ts", async (original) => ({
    ...(await original<typeof import("../../src/limits.ts")>()),
    deniedLooksMax: 10,
  }));
  const { existingPaths } = await import("../../src/sandbox/namespace/outside-globs.ts");
  expect(() => existingPaths("/**/no-such-name")).toThrow(/narrow it/);
  expect(existingPaths("/etc/passw?")).toEqual(["/etc/passwd"]);
  vi.doUnmock("../../src/limits.ts");
});
