import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";
import { plant, temporaryDirectory, treeOf } from "./support/plain-overlay.ts";

beforeAll(buildCommandLine);

/** Runs the first program of a document as a user of the package would. */
function runProgramOf(document: string): { out: string; tree: Record<string, string> } {
  const text = fs.readFileSync(join(projectDirectory(), "docs", document), "utf8");
  const program = /^```js\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? "";
  const directory = temporaryDirectory();
  plant(directory, { "program.mjs": program, "project/src/a.ts": "one\n" });
  fs.mkdirSync(join(directory, "node_modules"));
  fs.symlinkSync(projectDirectory(), join(directory, "node_modules", "draftfs"));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], {
    cwd: directory,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  fs.rmSync(join(directory, "project", ".draftfs"), { recursive: true });
  return { out: stdout, tree: treeOf(join(directory, "project")) };
}

const hex = (text: string) => `644 ${Buffer.from(text).toString("hex")}`;

describe("the program", () => {
  it("of docs/engines.md does what it says", () => {
    const { out, tree } = runProgramOf("engines.md");
    const why = "3 similar operations wait; the commit writes all of it together";
    expect(out).toBe(`commit (BATCH): ${why}.\n`.repeat(3));
    expect(tree).toMatchObject({
      "notes.txt": hex("I\n2\n3\n"),
      "loud.txt": hex("I\n2\n4\n"),
      count: hex("1"),
      "src/part.ts": hex("export {};\n"),
      "src/item.ts": hex("export class Item extends Model {\n  static table = 'item';\n}\n"),
      "c.txt": hex("c"),
    });
  });

  it("of docs/tools.md does what it says", () => {
    const { out, tree } = runProgramOf("tools.md");
    expect(out).toBe("[ '-one', '+two' ]\n");
    expect(tree).toEqual({ src: "/", "src/a.ts": hex("two\n") });
  });
});
