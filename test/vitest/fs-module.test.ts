import { execFile } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changesBetween, fingerprintOf } from "../conformance/harness/lower-guard.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { projectDirectory } from "../support/project-directory.ts";

// A project of a user, with the compiled package in its node_modules and vitest run as a process
// of its own: inside of this very test run, the package's own import of node:fs would be mocked.
let compiled: CompiledProject;
let project = "";

beforeAll(() => {
  compiled = CompiledProject.build();
  project = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-user-")));
  const files = {
    "package.json": JSON.stringify({ type: "module" }),
    "vitest.config.js": "export default { test: { include: ['**/*.spec.js'] } };",
    "inlined.config.js":
      "export default { test: { include: ['**/*.spec.js'], server: { deps: { inline: true } } } };",
    "fixture/notes.json": JSON.stringify({ notes: ["first"] }),
    "node_modules/draftfs/package.json": JSON.stringify({
      name: "draftfs",
      type: "module",
      exports: {
        ".": "./compiled/src.js",
        "./vitest": "./compiled/vitest.js",
      },
    }),
    "notes.js": moduleUnderTest,
    "notes.spec.js": specification,
  };
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(project, path)), { recursive: true });
    fs.writeFileSync(join(project, path), text);
  }
  const compiledRoot = dirname(compiled.pathOf("src/index.ts"));
  fs.symlinkSync(compiledRoot, join(project, "node_modules/draftfs/compiled"));
  fs.symlinkSync(
    join(projectDirectory(), "node_modules/vitest"),
    join(project, "node_modules/vitest"),
  );
});

afterAll(() => {
  fs.rmSync(project, { recursive: true, force: true });
});

/** An ordinary module that knows nothing of overlays and takes its files where it finds them. */
const moduleUnderTest = `
import fs, { existsSync, readFileSync } from "node:fs";
import { appendFile, rename, writeFile } from "node:fs/promises";
import { readFile } from "node:fs";
import { promisify } from "node:util";

export class Notes {
  constructor(file) { this.file = file; }
  list() { return existsSync(this.file) ? JSON.parse(readFileSync(this.file, "utf8")).notes : []; }
  async add(note) {
    const notes = [...this.list(), note];
    await writeFile(this.file + ".tmp", JSON.stringify({ notes }));
    await rename(this.file + ".tmp", this.file);
    await appendFile(this.file + ".log", note + "\\n");
    fs.promises.stat(this.file);
  }
  async log() { return promisify(readFile)(this.file + ".log", "utf8"); }
  clear() { fs.rmSync(this.file); }
}
`;

const specification = `
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, vi } from "vitest";
import { overlayTest } from "draftfs/vitest";
import { Notes } from "./notes.js";
import nodeFs from "node:fs";

vi.mock("node:fs", async () => (await import("draftfs/vitest")).fsModule());
vi.mock("node:fs/promises", async () => (await import("draftfs/vitest")).fsPromisesModule());

const test = overlayTest(resolve("fixture"));
const file = resolve("fixture/notes.json");

test("adds a note", async ({ fs }) => {
  const notes = new Notes(file);
  await notes.add("second");
  expect(notes.list()).toEqual(["first", "second"]);
  expect(await notes.log()).toBe("second\\n");
  expect(fs.readdirSync(resolve("fixture")).sort()).toEqual(["notes.json", "notes.json.log"]);
});

test("starts from the fixture again, and clears it", () => {
  const notes = new Notes(file);
  expect(notes.list()).toEqual(["first"]);
  notes.clear();
  expect(notes.list()).toEqual([]);
});

test("relative paths are those of the process", () => {
  const notes = new Notes("fixture/notes.json");
  expect(notes.list()).toEqual(["first"]);
  notes.clear();
  expect(notes.list()).toEqual([]);
});

test("paths elsewhere are the disk's", () => {
  const elsewhere = join(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-elsewhere-")), "f");
  nodeFs.writeFileSync(elsewhere, "on the disk");
  expect(nodeFs.readFileSync(elsewhere, "utf8")).toBe("on the disk");
  const descriptor = nodeFs.openSync(elsewhere, "r");
  expect(nodeFs.fstatSync(descriptor).size).toBe(11);
  nodeFs.closeSync(descriptor);
  nodeFs.rmSync(resolve(elsewhere, ".."), { recursive: true });
});
`;

async function expectSpecificationToPass(...options: readonly string[]): Promise<void> {
  const before = fingerprintOf(fs, join(project, "fixture"));
  const vitest = join(projectDirectory(), "node_modules/vitest/vitest.mjs");
  const command = [vitest, "run", ...options];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    cwd: project,
    env: { ...process.env, NO_COLOR: "1" },
    timeout: 50_000,
  }).catch((error) => ({ stdout: `${error.stdout}\n${error.stderr}` }));
  expect(stdout).toMatch(/Tests\s+4 passed \(4\)/);
  expect(changesBetween(before, fingerprintOf(fs, join(project, "fixture")))).toEqual([]);
}

// tschaub/mock-fs#377, #384, #447, yarnpkg/berry#1527, #3240, shopgate#164, react-native-harness#169.
test("code that imports node:fs runs over the overlay, and the disk stays as it was", async () => {
  await expectSpecificationToPass();
}, 60_000);

// A linked package is processed as well: its imports of node:fs are the mock that it makes itself.
for (const pool of ["forks", "vmThreads"]) {
  test(`a package that vitest processes finds Node's own node:fs in the pool ${pool}`, async () => {
    await expectSpecificationToPass("--config", "inlined.config.js", "--pool", pool);
  }, 60_000);
}
