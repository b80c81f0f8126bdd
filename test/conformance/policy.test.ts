import { type EventEmitter, once } from "node:events";
import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { type OverlayFs, openLayer, type PolicyOptions } from "../../src/overlay/layer.ts";

let home = "";
let root = "";

beforeEach(() => {
  home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-policy-")));
  root = join(home, "root");
  nodeFs.mkdirSync(join(root, "secrets/deep"), { recursive: true });
  nodeFs.mkdirSync(join(root, "fixed"));
  nodeFs.mkdirSync(join(home, "shared"));
  for (const path of ["a.txt", ".env", "secrets/key", "secrets/deep/key", "fixed/lock.json"]) {
    nodeFs.writeFileSync(join(root, path), path);
  }
  nodeFs.writeFileSync(join(home, "shared/types.ts"), "shared");
  nodeFs.linkSync(join(root, "secrets/key"), join(root, "hard"));
  nodeFs.symlinkSync("secrets/key", join(root, "link"));
});

afterEach(() => nodeFs.rmSync(home, { recursive: true, force: true }));

function open(policy: PolicyOptions): OverlayFs {
  return openLayer({ root, policy }).fs;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return "no error";
}

test("what may not be read cannot be read, looked at, listed or changed by any path", () => {
  const fs = open({ denyRead: ["secrets", "**/.env"] });
  for (const path of ["secrets/key", "secrets/deep/key", ".env", "link", "secrets/../.env"]) {
    const at = join(root, path);
    expect(
      codeOf(() => fs.readFileSync(at)),
      path,
    ).toBe("EACCES");
    expect(
      codeOf(() => fs.statSync(at)),
      path,
    ).toBe("EACCES");
    expect(
      codeOf(() => fs.writeFileSync(at, "x")),
      path,
    ).toBe("EACCES");
    expect(
      codeOf(() => fs.copyFileSync(at, join(root, "copy"))),
      path,
    ).toBe("EACCES");
  }
  expect(codeOf(() => fs.readdirSync(join(root, "secrets")))).toBe("EACCES");
  expect(codeOf(() => fs.rmSync(join(root, "secrets"), { recursive: true }))).toBe("EACCES");
  expect(fs.readFileSync(join(root, "a.txt"), "utf8")).toBe("a.txt");
});

test("a rename does not free what may not be read", () => {
  const fs = open({ denyRead: ["secrets"] });
  expect(codeOf(() => fs.renameSync(join(root, "secrets"), join(root, "open")))).toBe("EACCES");
  expect(codeOf(() => fs.linkSync(join(root, "secrets/key"), join(root, "key")))).toBe("EACCES");
  expect(codeOf(() => fs.readFileSync(join(root, "open/key")))).not.toBe("no error");
});

test("what may not be changed can be read and nothing else", () => {
  const fs = open({ denyWrite: ["fixed", "*.txt"] });
  const lock = join(root, "fixed/lock.json");
  expect(fs.readFileSync(lock, "utf8")).toBe("fixed/lock.json");
  const changes = {
    write: () => fs.writeFileSync(lock, "x"),
    append: () => fs.appendFileSync(lock, "x"),
    open: () => fs.openSync(lock, "r+"),
    unlink: () => fs.unlinkSync(lock),
    renameAway: () => fs.renameSync(lock, join(root, "lock.json")),
    renameOver: () => fs.renameSync(join(root, ".env"), lock),
    chmod: () => fs.chmodSync(lock, 0o600),
    utimes: () => fs.utimesSync(lock, 1, 2),
    create: () => fs.writeFileSync(join(root, "fixed/new"), "x"),
    mkdir: () => fs.mkdirSync(join(root, "fixed/newd")),
    remove: () => fs.rmSync(join(root, "fixed"), { recursive: true }),
    move: () => fs.renameSync(join(root, "fixed"), join(root, "loose")),
    pattern: () => fs.writeFileSync(join(root, "a.txt"), "x"),
    newByPattern: () => fs.writeFileSync(join(root, "b.txt"), "x"),
  };
  const codes = Object.entries(changes).map(([name, act]) => `${name} ${codeOf(act)}`);
  expect(codes).toEqual(Object.keys(changes).map((name) => `${name} EACCES`));
});

test("a place outside that may be read is read and never written", () => {
  const shared = join(home, "shared/types.ts");
  nodeFs.symlinkSync(join(home, "shared"), join(root, "shared"));
  const fs = open({ allowRead: [join(home, "shared")] });
  expect(fs.readFileSync(shared, "utf8")).toBe("shared");
  expect(fs.readFileSync(join(root, "shared/types.ts"), "utf8")).toBe("shared");
  expect(fs.readdirSync(join(root, "shared"))).toEqual(["types.ts"]);
  expect(codeOf(() => fs.writeFileSync(shared, "x"))).toBe("EACCES");
  expect(codeOf(() => fs.writeFileSync(join(root, "shared/types.ts"), "x"))).toBe("EACCES");
  expect(codeOf(() => fs.unlinkSync(join(root, "shared/types.ts")))).toBe("EACCES");
  expect(codeOf(() => fs.openSync(shared, "r+"))).toBe("EACCES");
  expect(nodeFs.readFileSync(shared, "utf8")).toBe("shared");
});

test("a directory is not moved when that would free what may not be read or changed in it", () => {
  const fs = open({ denyRead: ["p/*/secret", "**/.env"], denyWrite: ["q/fixed"] });
  fs.mkdirSync(join(root, "p/s"), { recursive: true });
  fs.mkdirSync(join(root, "q/other"), { recursive: true });
  fs.writeFileSync(join(root, "q/other/f"), "f");
  const rename = (from: string, to: string) =>
    codeOf(() => fs.renameSync(join(root, from), join(root, to)));
  expect(rename("p", "free")).toBe("EACCES");
  expect(rename("p/s", "free")).toBe("EACCES");
  expect(rename("q", "free")).toBe("EACCES");
  expect(rename("p/s", "p/t")).toBe("no error");
  expect(rename("q/other", "free")).toBe("no error");
  expect(rename("free", "q/again")).toBe("no error");
});

test("what may not be read stays so when the tree is committed", async () => {
  nodeFs.mkdirSync(join(root, "p/secret"), { recursive: true });
  nodeFs.writeFileSync(join(root, "p/secret/key"), "key");
  const overlay = await openOverlay(root, { policy: { denyRead: ["p/secret"] } });
  expect(codeOf(() => overlay.fs.renameSync(join(root, "p"), join(root, "q")))).toBe("EACCES");
  overlay.fs.writeFileSync(join(root, "p/f"), "f");
  await overlay.commit();
  expect(codeOf(() => overlay.fs.readFileSync(join(root, "p/secret/key")))).toBe("EACCES");
  await overlay.close();
});

test("what was moved and changed under a looser policy is behind the gate of a stricter one", () => {
  const loose = openLayer({ root });
  loose.fs.renameSync("secrets/key", "key");
  loose.fs.renameSync("secrets/deep", "deep");
  loose.fs.appendFileSync("fixed/lock.json", "+");
  loose.fs.appendFileSync("a.txt", "+");
  loose.fs.renameSync("a.txt", "b.txt");
  const strict = openLayer({
    root,
    policy: { denyRead: ["secrets"], denyWrite: ["fixed", "a.txt"] },
  });
  for (const entry of loose.pending()) strict.adopt(entry);
  const { fs } = strict;
  expect(codeOf(() => fs.readFileSync("key"))).toBe("EACCES");
  expect(codeOf(() => fs.readFileSync("deep/key"))).toBe("EACCES");
  expect(codeOf(() => fs.writeFileSync("deep/new", ""))).toBe("EACCES");
  expect(fs.readFileSync("fixed/lock.json", "utf8")).toBe("fixed/lock.json+");
  for (const path of ["fixed/lock.json", "b.txt"]) {
    expect(codeOf(() => fs.writeFileSync(path, "x"))).toBe("EACCES");
    expect(codeOf(() => fs.chmodSync(path, 0o600))).toBe("EACCES");
    expect(codeOf(() => fs.linkSync(path, "name"))).toBe("EACCES");
    expect(codeOf(() => fs.renameSync(path, "name"))).toBe("EACCES");
  }
  loose.close();
  strict.close();
});

test("watchers, blobs, globs and streams are behind the same gate", async () => {
  const fs = open({ denyRead: ["secrets"] });
  const key = join(root, "secrets/key");
  expect(codeOf(() => fs.watch(join(root, "secrets")))).toBe("EACCES");
  expect(codeOf(() => fs.watch(key))).toBe("EACCES");
  const changes = fs.promises.watch(key)[Symbol.asyncIterator]();
  await expect(changes.next()).rejects.toMatchObject({ code: "EACCES" });
  const seen = await new Promise<nodeFs.Stats>((resolve) => {
    fs.watchFile(key, { interval: 20 }, resolve);
  });
  expect([seen.ino, seen.size]).toEqual([0, 0]);
  fs.unwatchFile(key);
  expect(() => fs.openAsBlob(key)).toThrow("Unable to open file as blob");
  const { globSync } = fs as { readonly globSync?: (pattern: string) => string[] };
  if (globSync !== undefined) expect(globSync("secrets/**")).toEqual([]);
  for (const stream of [fs.createReadStream(key), fs.createWriteStream(key, { flags: "r+" })]) {
    const emitter: EventEmitter = stream;
    const [error] = await once(emitter, "error");
    expect(error).toMatchObject({ code: "EACCES" });
  }
  expect(codeOf(() => fs.cpSync(key, join(root, "copy")))).toBe("EACCES");
  expect(codeOf(() => fs.opendirSync(join(root, "secrets")))).toBe("EACCES");
});
