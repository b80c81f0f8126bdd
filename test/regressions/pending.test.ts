import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";

let root = "";
let layer: Layer;

beforeEach(() => {
  root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-pending-")));
  nodeFs.mkdirSync(join(root, "d"));
  for (const path of ["a.txt", "sp ace.txt", "d/x.txt"])
    nodeFs.writeFileSync(join(root, path), path);
  layer = openLayer({ root });
});

afterEach(() => {
  layer.close();
  nodeFs.rmSync(root, { recursive: true, force: true });
});

const pendingPaths = () => [...layer.pending()].map((entry) => `${entry.kind} ${entry.path}`);

test("zenfs 2.7.6: reading copies nothing up", () => {
  const { fs } = layer;
  fs.readFileSync("a.txt");
  fs.readdirSync(".", { recursive: true });
  fs.statSync("d/x.txt");
  fs.closeSync(fs.openSync("a.txt", "r+"));
  expect(pendingPaths()).toEqual([]);
});

test("containers/fuse-overlayfs#327, google/gvisor#14792: no whiteout without a lower", () => {
  const { fs } = layer;
  fs.writeFileSync("n", "n");
  fs.mkdirSync("nd");
  fs.renameSync("n", "nd/m");
  fs.rmSync("nd", { recursive: true });
  expect(pendingPaths().filter((entry) => entry.startsWith("whiteout"))).toEqual([]);
});

test("zenfs 2.7.6: a deletion of a name with a space is held under that name", () => {
  layer.fs.unlinkSync("sp ace.txt");
  expect(pendingPaths()).toContain("whiteout sp ace.txt");
});

test("tursodatabase/agentfs#270: deletions survive being saved and loaded", () => {
  layer.fs.unlinkSync("a.txt");
  layer.fs.rmSync("d", { recursive: true });
  layer.fs.mkdirSync("d");
  layer.fs.writeFileSync("d/new", "new");
  const again = openLayer({ root });
  for (const entry of layer.pending()) again.adopt(entry);
  expect(again.fs.readdirSync(".").sort()).toEqual(["d", "sp ace.txt"]);
  expect(again.fs.readdirSync("d")).toEqual(["new"]);
  again.close();
});

test("nx 24: what was put back as it was is found unchanged", () => {
  const { fs } = layer;
  fs.renameSync("d", "m");
  fs.renameSync("m", "d");
  const entries = [...layer.pending()].filter((entry) => entry.kind === "whiteout");
  expect(entries).toEqual([]);
  expect(fs.readFileSync("d/x.txt", "utf8")).toBe("d/x.txt");
});

test("containerd/continuity#236, #145, nrwl/nx#712: what is pending is found without a walk", () => {
  for (let index = 0; index < 300; index++) nodeFs.mkdirSync(join(root, `many${index}`));
  let listed = 0;
  const counting = {
    ...nodeFs,
    readdirSync: (...input: Parameters<typeof nodeFs.readdirSync>) => {
      listed += 1;
      return nodeFs.readdirSync(...input);
    },
  } as unknown as typeof nodeFs;
  const counted = openLayer({ root, lower: counting });
  counted.fs.writeFileSync(join(root, "many7/f"), "f");
  counted.fs.unlinkSync(join(root, "a.txt"));
  const before = listed;
  const entries = [...counted.pending()].filter((entry) => entry.kind !== "directory");
  expect(entries.map((entry) => entry.path)).toEqual(["a.txt", "many7/f"]);
  expect(listed - before).toBe(0);
  counted.close();
});
