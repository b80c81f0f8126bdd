import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { isDraftError } from "../../src/errors.ts";
import { ReadLedger } from "../../src/tools/read-ledger.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import { overlayKinds } from "../engines/support/layer-overlay.ts";
import { plant, temporaryDirectory } from "../engines/support/plain-overlay.ts";

type Call = (name: string, input: object) => Promise<Record<string, unknown>>;

/** A session with a ledger over a new tree; `prepare` sees the tree before it is opened. */
function sessionOver(
  open: (root: string) => EngineOverlay,
  files: Record<string, string>,
  prepare: (root: string) => void = () => {},
): { readonly overlay: EngineOverlay; readonly call: Call } {
  const root = temporaryDirectory();
  plant(root, files);
  prepare(root);
  const overlay = open(root);
  const context = { overlay, reads: new ReadLedger() };
  return {
    overlay,
    call: async (name, input) => ({ ...(await findTool(name)?.call(context, input)) }),
  };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isDraftError(error)) return error.message;
    throw error;
  }
  return "done";
}

const write = (path: string) => ({ file_path: path, content: "new" });

describe.each(overlayKinds)("what was read, over %s,", (_name, open) => {
  it("moves along with a file, and what it replaces is forgotten", async () => {
    const { call, overlay } = sessionOver(open, { a: "a", b: "b", c: "c" });
    await call("Read", { file_path: "a" });
    await call("Read", { file_path: "b" });
    await call("Move", { source: "a", destination: "b", overwrite: true });
    // It is `a` that lies at `b` now, and that is known.
    expect(await refusal(call("Write", write("b")))).toBe("done");
    await call("Read", { file_path: "b" });
    await call("Move", { source: "c", destination: "b", overwrite: true });
    expect(await refusal(call("Write", write("b")))).toMatch(/not been read/);
    overlay.fs.writeFileSync(join(overlay.root, "a"), Buffer.from("again"));
    expect(await refusal(call("Write", write("a")))).toMatch(/not been read/);
  });

  it("moves along with a directory, and goes with one that is deleted", async () => {
    const { call, overlay } = sessionOver(open, { "d/e/x": "x", "d/y": "y", "dd/z": "z" });
    for (const path of ["d/e/x", "d/y", "dd/z"]) await call("Read", { file_path: path });
    await call("Move", { source: "d", destination: "moved/d" });
    expect(await refusal(call("Write", write("moved/d/e/x")))).toBe("done");
    expect(await refusal(call("Write", write("dd/z")))).toBe("done");
    await call("Delete", { path: "moved", recursive: true });
    overlay.fs.mkdirSync(join(overlay.root, "moved/d"), { recursive: true });
    overlay.fs.writeFileSync(join(overlay.root, "moved/d/y"), Buffer.from("other"));
    expect(await refusal(call("Write", write("moved/d/y")))).toMatch(/not been read/);
  });

  it("is known by each name of a file, and stays when a link to it goes", async () => {
    const { call } = sessionOver(open, { "d/a": "a" }, (root) => {
      fs.symlinkSync("d/a", join(root, "link"));
      fs.symlinkSync("d", join(root, "directory"));
    });
    await call("Read", { file_path: "link" });
    const edit = (path: string, from: string, to: string) =>
      call("Edit", { file_path: path, old_string: from, new_string: to });
    expect(await refusal(edit("directory/a", "a", "b"))).toBe("done");
    await call("Delete", { path: "link" });
    expect(await refusal(call("Write", write("d/a")))).toBe("done");
  });

  it("is the last content of a file that one call edits by two names", async () => {
    const { call } = sessionOver(open, { a: "1 2" }, (root) => {
      fs.linkSync(join(root, "a"), join(root, "b"));
      fs.symlinkSync("a", join(root, "c"));
    });
    for (const path of ["a", "b"]) await call("Read", { file_path: path });
    const edits = (path: string, from: string, to: string) => ({
      file_path: path,
      edits: [{ old_string: from, new_string: to }],
    });
    const file_edits = [edits("a", "1", "3"), edits("b", "2", "4"), edits("c", "3", "5")];
    await call("MultiEdit", { file_edits });
    expect(await refusal(call("Write", write("a")))).toBe("done");
    await call("Read", { file_path: "b" });
    expect(await refusal(call("Write", write("b")))).toBe("done");
  });

  it("keeps a notebook from being edited that has changed since", async () => {
    const notebook = (source: string) =>
      JSON.stringify({
        cells: [{ cell_type: "markdown", metadata: {}, source }],
        metadata: {},
        nbformat: 4,
        nbformat_minor: 4,
      });
    const { call, overlay } = sessionOver(open, { "n.ipynb": notebook("old") });
    const edit = { notebook_path: "n.ipynb", cell_id: "cell-0", new_source: "new" };
    expect(await refusal(call("NotebookEdit", edit))).toMatch(/not been read/);
    await call("Read", { file_path: "n.ipynb" });
    expect(await refusal(call("NotebookEdit", edit))).toBe("done");
    expect(await refusal(call("NotebookEdit", { ...edit, new_source: "newer" }))).toBe("done");
    overlay.fs.writeFileSync(join(overlay.root, "n.ipynb"), Buffer.from(notebook("other")));
    expect(await refusal(call("NotebookEdit", edit))).toMatch(/has changed since/);
    expect(overlay.fs.readFileSync(join(overlay.root, "n.ipynb")).toString()).toContain("other");
  });
});

describe("a link that leads out of the root", () => {
  it("is followed by no tool over a layer; it can be listed, moved and deleted itself", async () => {
    const outside = temporaryDirectory();
    plant(outside, { secret: "secret\n" });
    const open = overlayKinds[1]?.[1];
    if (open === undefined) throw new Error("there is no layer");
    const { call } = sessionOver(open, { "a.txt": "a\n" }, (root) => {
      fs.symlinkSync(outside, join(root, "directory"));
      fs.symlinkSync(join(outside, "secret"), join(root, "file"));
      fs.symlinkSync(join(outside, "secret"), join(root, ".gitignore"));
    });
    const calls: [string, object][] = [
      ["Read", { file_path: "file" }],
      ["Read", { file_path: "directory/secret" }],
      ["Write", write("file")],
      ["Write", write("directory/new")],
      ["Edit", { file_path: "file", old_string: "secret", new_string: "x" }],
      ["Move", { source: "directory/secret", destination: "b" }],
      ["Move", { source: "a.txt", destination: "directory/a.txt" }],
      ["Delete", { path: "directory/secret" }],
      ["MakeDirectory", { path: "directory/new" }],
      ["List", { path: "directory" }],
      ["Glob", { pattern: "*", path: "directory" }],
      ["Grep", { pattern: "s", path: "directory" }],
      ["Grep", { pattern: "s", path: "file" }],
    ];
    for (const [name, input] of calls) {
      await expect(call(name, input), `${name} ${JSON.stringify(input)}`).rejects.toMatchObject({
        code: "EACCES",
      });
    }
    expect(await call("Grep", { pattern: "a|secret" })).toMatchObject({ numFiles: 1 });
    expect((await call("List", {}))["entries"]).toContainEqual({ name: "file", kind: "symlink" });
    await call("Move", { source: "file", destination: "moved" });
    await call("Delete", { path: "moved" });
    expect(fs.readdirSync(outside)).toEqual(["secret"]);
    expect(fs.readFileSync(join(outside, "secret"), "utf8")).toBe("secret\n");
  });
});
