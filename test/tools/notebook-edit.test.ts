import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isDraftError } from "../../src/errors.ts";
import { MIB } from "../../src/limits.ts";
import { parseSpans } from "../../src/tools/json-spans.ts";
import { keepNotebook, knownNotebook } from "../../src/tools/known-notebook.ts";
import { cellsOf, parseNotebook } from "../../src/tools/notebook.ts";
import { type CellEdit, editNotebook as editParsed } from "../../src/tools/notebook-edit.ts";
import { notebookEditTool } from "../../src/tools/notebook-edit-tool.ts";
import { runTool } from "../../src/tools/tool.ts";
import { plainOverlay, plant, treeOf } from "../engines/support/plain-overlay.ts";

const cells = [
  { cell_type: "markdown", id: "aaaa1111", metadata: { b: 1, a: 2 }, source: ["# Títle\n", "x"] },
  {
    cell_type: "code",
    execution_count: 3,
    id: "bbbb2222",
    metadata: {},
    outputs: [{ name: "stdout", output_type: "stream", text: ["1\n"] }],
    source: ["print(1)\n", "print('two')"],
  },
  {
    cell_type: "code",
    execution_count: null,
    id: "cccc3333",
    metadata: {},
    outputs: [],
    source: "",
  },
];
const notebook = {
  cells,
  metadata: { language_info: { name: "julia" }, odd: 1.0e10 },
  nbformat: 4,
  nbformat_minor: 5,
};

const layouts: [string, string][] = [
  ["indented by one", "indent=1, ensure_ascii=False"],
  ["indented by four", "indent=4, ensure_ascii=False"],
  ["in one line", "ensure_ascii=False"],
  ["compact", "ensure_ascii=False, separators=(',',':')"],
  ["in ASCII", "indent=1"],
];

/** Edits a text; what is known of the notebook afterwards is what parsing it would tell. */
function editNotebook(text: string, edit: CellEdit) {
  const { notebook: edited, ...cell } = editParsed(parseNotebook(text), edit);
  expect(edited).toEqual(parseNotebook(edited.text));
  return { ...cell, text: edited.text };
}

/** What Jupyter itself writes: Python's json with an indentation of one space. */
function jupyter(value: unknown, options = "indent=1, ensure_ascii=False"): string {
  const key = JSON.stringify(value);
  const known = written.get(key) ?? writeAsJupyter(key);
  written.set(key, known);
  return known[layouts.findIndex(([, one]) => one === options)] ?? "";
}

/** What was written already: a Python for each of the many comparisons would take seconds. */
const written = new Map<string, readonly string[]>();

/** A value in every layout, by one Python. */
function writeAsJupyter(json: string): readonly string[] {
  const dumps = layouts.map(([, options]) => `json.dumps(value, ${options}) + "\\n"`);
  const program = [
    "import json,sys",
    "value = json.load(sys.stdin)",
    `sys.stdout.write("\\0".join([${dumps.join(", ")}]))`,
  ].join("\n");
  const output = execFileSync("python3", ["-c", program], {
    input: json,
    encoding: "utf8",
    env: { ...process.env, PYTHONIOENCODING: "utf-8" },
  });
  return output.split("\0");
}

function withCell(index: number, changes: object): object {
  return {
    ...notebook,
    cells: cells.map((cell, at) => (at === index ? { ...cell, ...changes } : cell)),
  };
}

describe.each(layouts)("a notebook %s", (_name, options) => {
  const text = jupyter(notebook, options);

  it("changes in one cell only when its source is replaced", () => {
    const edit: CellEdit = { cell_id: "bbbb2222", new_source: "print(2)\n" };
    const expected = withCell(1, { execution_count: null, outputs: [], source: ["print(2)\n"] });
    expect(editNotebook(text, edit).text).toBe(jupyter(expected, options));
  });

  it("gains a cell where it is asked to, as Jupyter would write it", () => {
    for (const [after, at] of [
      [undefined, 0],
      ["aaaa1111", 1],
      ["cell-2", 3],
    ] as const) {
      const edit = { cell_id: after, new_source: "né\nw", cell_type: "code", edit_mode: "insert" };
      const edited = editNotebook(text, edit as CellEdit);
      const added = {
        cell_type: "code",
        execution_count: null,
        id: edited.cellId,
        metadata: {},
        outputs: [],
        source: ["né\n", "w"],
      };
      const expected = { ...notebook, cells: cells.toSpliced(at, 0, added as never) };
      expect(edited.text).toBe(jupyter(expected, options));
    }
  });

  it("loses a cell without a trace, down to none, and takes one again", () => {
    const remaining = [...cells];
    let current = text;
    for (const index of [1, 1, 0]) {
      const [removed] = remaining.splice(index, 1);
      const edit: CellEdit = { cell_id: removed?.id, new_source: "", edit_mode: "delete" };
      current = editNotebook(current, edit).text;
      expect(current).toBe(jupyter({ ...notebook, cells: remaining }, options));
    }
    const edit: CellEdit = { new_source: "a", cell_type: "markdown", edit_mode: "insert" };
    const { text: again, cellId } = editNotebook(current, edit);
    const added = { cell_type: "markdown", id: cellId, metadata: {}, source: ["a"] };
    const isIndented = options.includes("indent");
    // Nothing is left to read the layout off but the rest of the notebook.
    if (isIndented) expect(again).toBe(jupyter({ ...notebook, cells: [added] }, options));
    else expect(JSON.parse(again)).toEqual({ ...notebook, cells: [added] });
  });

  it("changes the type of a cell and keeps its id and metadata", () => {
    const edit: CellEdit = { cell_id: "bbbb2222", new_source: "# text", cell_type: "markdown" };
    const changed = { cell_type: "markdown", id: "bbbb2222", metadata: {}, source: ["# text"] };
    const expected = { ...notebook, cells: cells.toSpliced(1, 1, changed as never) };
    expect(editNotebook(text, edit).text).toBe(jupyter(expected, options));
  });

  it("does not change at all for a source that it has already", () => {
    const source = "print(1)\nprint('two')";
    expect(editNotebook(text, { cell_id: "bbbb2222", new_source: source }).text).toBe(text);
  });
});

describe("NotebookEdit", () => {
  const text = jupyter(notebook);

  it("keeps a source that is one string one string, and CRLF line ends", () => {
    const crlf = text.replaceAll("\n", "\r\n");
    const edited = editNotebook(crlf, { cell_id: "cccc3333", new_source: "a\nb" }).text;
    expect(edited).toBe(crlf.replace('"source": ""', '"source": "a\\nb"'));
    const inserted = editNotebook(crlf, {
      new_source: "a",
      cell_type: "code",
      edit_mode: "insert",
    });
    expect(inserted.text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("finds cells by place in notebooks without ids, and gives new ones none", () => {
    const { cells: _cells, ...rest } = notebook;
    const bare = cells.map(({ id: _id, ...cell }) => cell);
    const old = jupyter({ cells: bare, ...rest, nbformat_minor: 4 });
    const edited = editNotebook(old, {
      cell_id: "cell-0",
      new_source: "new",
      cell_type: "markdown",
      edit_mode: "insert",
    });
    expect(edited.cellId).toBe("cell-1");
    expect(edited.text).not.toMatch(/"id"/);
    expect(cellsOf(edited.text).map((cell) => cell.source)[1]).toBe("new");
  });

  it.each([
    [{ cell_id: "nope", new_source: "" }, /There is no cell nope\. The notebook has aaaa1111, /],
    [{ cell_id: "cell-3", new_source: "" }, /no cell cell-3/],
    [{ new_source: "" }, /cell_id is missing/],
    [{ new_source: "", edit_mode: "insert" }, /cell_type is missing/],
  ] as [CellEdit, RegExp][])("refuses %o", (edit, message) => {
    expect(() => editNotebook(text, edit)).toThrow(message);
  });

  it("gives a cell a source that has none, and all the rest that a code cell needs", () => {
    const bare = { cell_type: "code", id: "bare0000", metadata: { a: 1 } };
    const old = jupyter({ ...notebook, cells: [cells[0], bare] });
    const edited = editNotebook(old, { cell_id: "bare0000", new_source: "x\ny" }).text;
    const expected = {
      cell_type: "code",
      execution_count: null,
      id: "bare0000",
      metadata: { a: 1 },
      outputs: [],
      source: ["x\n", "y"],
    };
    expect(edited).toBe(jupyter({ ...notebook, cells: [cells[0], expected] }));
  });

  it("refuses what is no notebook", () => {
    expect(() => editNotebook('{"nbformat": 3}', { new_source: "" })).toThrow(/nbformat 3/);
    expect(() => editNotebook('{"a": [1,]}', { new_source: "" })).toThrow(/line 1, at character 9/);
    expect(() => parseSpans("[".repeat(100_000))).toThrow(/too deep/);
  });

  it("edits several cells as one write, or none", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "n.ipynb": text });
    const before = treeOf(overlay.root);
    const good = { cell_id: "aaaa1111", new_source: "# T" };
    const bad = { cell_id: "nope", new_source: "" };
    const run = (edits: object[]) =>
      runTool(notebookEditTool, { overlay }, { notebook_path: "n.ipynb", edits });
    const path = join(overlay.root, "n.ipynb");
    const failure = await run([good, bad]).catch((error: unknown) => error);
    expect(isDraftError(failure) && [failure.path, failure.message]).toEqual([
      path,
      expect.stringMatching(/n\.ipynb, edit 2 of 2: There is no cell nope\. /),
    ]);
    const alone = run([{ ...bad }]);
    await expect(alone).rejects.toThrow(`${path}: There is no cell nope.`);
    // A source that was forgotten empties no cell.
    const forgotten = run([good, { cell_id: "bbbb2222" }]);
    await expect(forgotten).rejects.toThrow(/n\.ipynb: edits\.1\.new_source is missing/);
    expect(treeOf(overlay.root)).toEqual(before);
    const last = { cell_id: "cccc3333", edit_mode: "delete" };
    expect(await run([good, last])).toMatchObject({
      language: "julia",
      cells: [
        { cell_id: "aaaa1111", old_source: "# Títle\nx", new_source: "# T", edit_mode: "replace" },
        { cell_id: "cccc3333", edit_mode: "delete", cell_type: "code" },
      ],
      staged: true,
      original_file: text,
      metrics: { optimization: "coalesce", reads: 1, writes: 1 },
    });
  });

  it("returns what agents expect of a single cell", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "n.ipynb": text });
    const input = { notebook_path: "n.ipynb", cell_id: "bbbb2222", new_source: "2" };
    expect(await runTool(notebookEditTool, { overlay }, input)).toMatchObject({
      new_source: "2",
      old_source: "print(1)\nprint('two')",
      cell_id: "bbbb2222",
      cell_type: "code",
      edit_mode: "replace",
      notebook_path: `${overlay.root}/n.ipynb`,
      metrics: { optimization: "none" },
    });
    const cell = cellsOf(overlay.fs.readFileSync(`${overlay.root}/n.ipynb`).toString())[1];
    expect(cell).toEqual({ cellId: "bbbb2222", cellType: "code", source: "2", outputs: [] });
  });

  it("parses a notebook once for edits that follow, and again where the file is another", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "n.ipynb": text, "m.ipynb": text });
    const read = (name = "n.ipynb") => overlay.fs.readFileSync(join(overlay.root, name)).toString();
    const edit = (cell: string, source: string, name = "n.ipynb") =>
      runTool(
        notebookEditTool,
        { overlay },
        { notebook_path: name, cell_id: cell, new_source: source },
      );
    await edit("bbbb2222", "longer than it was\n");
    expect(knownNotebook(overlay, read())).toBe(knownNotebook(overlay, read()));
    expect(knownNotebook(overlay, read())).toEqual(parseNotebook(read()));
    await edit("cccc3333", "x");
    expect(sourcesOf(read())).toEqual(["# Títle\nx", "longer than it was\n", "x"]);
    // As long as before, and changed by somebody else.
    const others = read().replace("longer", "LONGER").replace("cccc3333", "dddd4444");
    overlay.fs.writeFileSync(join(overlay.root, "n.ipynb"), Buffer.from(others));
    await expect(edit("cccc3333", "y")).rejects.toThrow("There is no cell cccc3333");
    await edit("dddd4444", "y");
    expect(sourcesOf(read())).toEqual(["# Títle\nx", "LONGER than it was\n", "y"]);
    // One is kept for an overlay.
    const last = knownNotebook(overlay, read());
    await edit("cccc3333", "z", "m.ipynb");
    expect(sourcesOf(read("m.ipynb"))).toEqual(["# Títle\nx", "print(1)\nprint('two')", "z"]);
    expect(knownNotebook(overlay, read())).not.toBe(last);
  });

  it("keeps no notebook that is very large", () => {
    const overlay = plainOverlay();
    const large = parseNotebook(text.replace("print(1)", "#".repeat(9 * MIB)));
    keepNotebook(overlay, large);
    expect(knownNotebook(overlay, large.text)).not.toBe(large);
  });
});

const sourcesOf = (notebookText: string) => cellsOf(notebookText).map(({ source }) => source);
