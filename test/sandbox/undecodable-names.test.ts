import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, it, vi } from "vitest";
import { allEngines, canServeFuse, openOver, treeOf } from "./sandbox-fixture.ts";

// What an earlier file of this process has loaded knows nothing of the mock.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

const engines = [...allEngines, ...(canServeFuse ? (["fuse"] as const) : [])];

/** `?` stands for the byte 0xff: no name in UTF-8 has it. */
function scriptOf(text: string): string {
  return text
    .replaceAll("?", "\\377")
    .replaceAll("'", "")
    .replace(/\{(.*?)\}/g, "\"$(printf '$1')\"");
}

/** What a session shows, one line a node, odd bytes as `?`. */
const list = "find . -mindepth 1 -printf '%P %y %m\\n' | LC_ALL=C sort | tr '\\377' '?'";

function undecodableTree(): string {
  const root = treeOf({ plain: "plain\n" });
  const script = scriptOf(
    "mkdir -p {d?/s} && echo one > {d?/s/f?} && echo two > {f?} && echo three > {g?} && ln -s {f?} {l?}",
  );
  execFileSync("sh", ["-c", script], { cwd: root });
  return root;
}

describe.each(engines)("names that are not UTF-8, over engine %s", (engine) => {
  it("are deleted, renamed and changed in their modes like any other", async () => {
    const { layer, session, sh } = await openOver(undecodableTree(), { engine });
    expect(await sh(scriptOf("rm {f?}; chmod 700 {d?/s}; mv {l?} {m?}; echo more >> {g?}"))).toBe(
      "",
    );
    await session.suspend();
    const pending = () =>
      [...layer.pending()]
        .map(({ kind, path }) => `${kind} ${path}`)
        .filter((one) => one !== "directory d\udcff")
        .sort();
    const expected = [
      "directory d\udcff/s",
      "file g\udcff",
      "symlink m\udcff",
      "whiteout f\udcff",
      "whiteout l\udcff",
    ];
    expect(pending()).toEqual(expected);
    // Moved into a new namespace, and taken back out of it, nothing is different.
    const shown = "d? d 755|d?/s d 700|d?/s/f? f 644|g? f 644|m? l 777|plain f 644|";
    expect((await sh(list)).replaceAll("\n", "|")).toBe(shown);
    await session.suspend();
    expect(pending()).toEqual(expected);
  });

  it("keep what lies in a directory that is renamed", async () => {
    const { session, sh } = await openOver(undecodableTree(), { engine });
    expect(await sh(scriptOf("mv {d?} {e?}; echo new > {e?/new}; rm -r {e?/s/f?}"))).toBe("");
    const shown = "e? d 755|e?/new f 644|e?/s d 755|f? f 644|g? f 644|l? l 777|plain f 644|";
    expect((await sh(list)).replaceAll("\n", "|")).toBe(shown);
    await session.suspend();
    expect((await sh(list)).replaceAll("\n", "|")).toBe(shown);
  });

  it("lie in directories that were renamed through the overlay's own calls", async () => {
    const root = undecodableTree();
    const { layer, sh } = await openOver(root, { engine });
    layer.fs.renameSync(Buffer.from(`${root}/d\xff`, "latin1"), `${root}/moved`);
    expect(await sh(scriptOf("cat {moved/s/f?}; rm {moved/s/f?}; ls moved/s"))).toBe("one\n");
    expect(layer.fs.readdirSync(`${root}/moved/s`)).toEqual([]);
  });
});

describe.each(engines.filter((engine) => engine !== "clone"))(
  "what is denied over engine %s",
  (engine) => {
    it("is so below and under names that are not UTF-8", async () => {
      const denyRead = ["**/f*"];
      const { sh } = await openOver(undecodableTree(), { engine, denyRead });
      expect(await sh("find . -type f -exec cat {} + 2>/dev/null | sort")).toBe("plain\nthree\n");
    });
  },
);
