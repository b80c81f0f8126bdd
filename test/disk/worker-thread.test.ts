import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { backgroundFilesMin } from "../../src/limits.ts";
import { buildCommandLine } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";

beforeAll(buildCommandLine);

const count = backgroundFilesMin + 10;

/** What runs in the worker. */
const work = (library: string, root: string) => `
(async () => {
  const { openOverlay } = await import(${JSON.stringify(library)});
  const overlay = await openOverlay(${JSON.stringify(root)});
  const { fs } = overlay;
  fs.readdirSync("d");
  fs.watch("d").close();
  for (let index = 0; index < ${count}; index++) {
    fs.readFileSync("f" + index);
    await fs.promises.readFile("f" + index);
    fs.writeFileSync("f" + index, "new");
  }
  fs.renameSync("d", "moved");
  fs.writeFileSync("moved/x", "new");
  await overlay.commit();
  fs.writeFileSync("f0", "newer");
  await overlay.commit();
  await overlay.undo();
  await overlay.close();
})();
`;

test("a worker closes what it has opened itself, so that Node has nothing to warn of", () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "draftfs-worker-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "d"));
  writeFileSync(join(root, "d/x"), "old");
  for (let index = 0; index < count; index++) writeFileSync(join(root, `f${index}`), "old");
  const library = pathToFileURL(join(projectDirectory(), "dist/index.js")).href;
  const program =
    `const { Worker } = require("node:worker_threads");` +
    `new Worker(${JSON.stringify(work(library, root))}, { eval: true });`;
  const { status, stderr } = spawnSync(process.execPath, ["--eval", program], {
    encoding: "utf8",
    env: { ...process.env, DRAFTFS_NATIVE: "1" },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(readFileSync(join(root, "f0"), "utf8")).toBe("new");
  expect(readFileSync(join(root, "moved/x"), "utf8")).toBe("new");
});
