import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { allEngines, canServeFuse, openOver, treeOf } from "./sandbox-fixture.ts";

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

const count = 100_000;
const engines = canServeFuse ? [...allEngines, "fuse" as const] : allEngines;

describe.each(engines)("a command of engine %s", (engine) => {
  it(`may make, change and remove ${count} files at once`, async () => {
    const root = treeOf({});
    // Some of the disk's own among them: what is removed needs a whiteout, and a change a copy.
    mkdirSync(join(root, "old"));
    for (let index = 0; index < 2000; index++) writeFileSync(join(root, `old/${index}`), "old\n");
    const { layer, session } = await openOver(root, { engine });
    const make =
      "mkdir many; cd many; seq 100000 | split -l 1 -a 4; cd ../old; rm 1*; for f in *; do echo >> $f; done";
    const made = await session.run("sh", ["-c", make], { stdio: "ignore" });
    expect(made.exitCode).toBe(0);
    const kinds = new Map<string, number>();
    for (const { kind } of made.changes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const removed = 1 + 10 + 100 + 1000;
    expect(Object.fromEntries(kinds)).toEqual({
      file: count + 2000 - removed,
      directory: 1,
      removed,
    });
    const names = layer.fs.readdirSync(join(root, "many")) as string[];
    expect(names).toHaveLength(count);
    const last = names.sort().at(-1) ?? "";
    expect(layer.fs.readFileSync(join(root, "many", last), "utf8")).toBe(`${count}\n`);
    const gone = await session.run("rm", ["-r", "many"], { stdio: "ignore" });
    expect(gone.changes).toEqual([{ path: "many", kind: "removed" }]);
    expect([...layer.pending()].filter(({ path }) => path.startsWith("many"))).toEqual([]);
  });
});
