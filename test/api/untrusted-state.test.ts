import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { listDrafts, type OpenOverlayOptions, openOverlay, removeDraft } from "../../src/index.ts";
import { buildCommandLine, commandLinePath, draftfs } from "../support/built-command-line.ts";

const isRoot = process.geteuid?.() === 0;
/** Somebody whose directory it is. */
const owner = 65534;
let root: string;
let state: string;

beforeEach(() => {
  vi.stubEnv("SUDO_UID", undefined);
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-untrusted-")));
  state = join(root, ".draftfs");
  fs.writeFileSync(join(root, "file"), "one\n");
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(root, { recursive: true, force: true });
});

function everything(directory: string): string[] {
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  return [directory, ...names.map((name) => join(directory, name))];
}

function giveAway(path: string): void {
  for (const each of everything(path)) fs.lchownSync(each, owner, owner);
}

/** All that lies in the tree, and whose and what it is. */
function look(): string[] {
  return everything(root).map((path) => {
    const { mode, uid, mtimeNs } = fs.lstatSync(path, { bigint: true });
    return `${path} ${mode.toString(8)} ${uid} ${mtimeNs}`;
  });
}

/**
 * A journal that says that a program of root's with the right to be root is still to be made, as
 * somebody could write one who has learnt how from a commit of root's.
 */
async function plantRecord(): Promise<void> {
  {
    await using overlay = await openOverlay(root, { settle: "late", draft: "main" });
    overlay.fs.writeFileSync("kept", "pending\n");
    await overlay.saveDraft();
    overlay.fs.writeFileSync("evil", "#!/bin/sh\n");
    overlay.fs.chmodSync("evil", 0o4755);
    await overlay.commit({ include: ["evil"] });
    await overlay.close({ settle: false });
  }
  fs.rmSync(join(root, "evil"));
  fs.rmSync(join(state, "journal", "progress"));
}

const refused = { code: "DRAFT_STATE_UNTRUSTED", path: expect.stringContaining(".draftfs") };

async function openAndCommit(options: OpenOverlayOptions = {}): Promise<void> {
  await using overlay = await openOverlay(root, options);
  overlay.fs.appendFileSync("file", "more\n");
  await overlay.commit();
}

describe.runIf(isRoot)("root, in a state directory that somebody else could have written", () => {
  it("does not carry out its journal, writes nothing, and still shows what is there", async () => {
    await plantRecord();
    giveAway(root);
    const before = look();
    {
      await using overlay = await openOverlay(root, { draft: "main", readOnly: true });
      expect(overlay.recovered).toMatchObject({
        outcome: "refused",
        leftToPerson: [expect.stringMatching(/uid 65534.*sudo -u '#65534'.*trustOwner: true/)],
      });
      expect((await overlay.diff()).changes).toMatchObject([{ path: "kept" }]);
      expect(await overlay.log()).toHaveLength(1);
      expect(await overlay.verify()).toMatchObject({ isSound: true });
      await expect(overlay.commit()).rejects.toMatchObject(refused);
      await expect(overlay.undo({ force: true })).rejects.toMatchObject(refused);
      await expect(overlay.restore({ checkpoint: "@1", force: true })).rejects.toMatchObject(
        refused,
      );
      await expect(overlay.repair()).rejects.toMatchObject(refused);
    }
    expect(await listDrafts(root)).toMatchObject([{ name: "main" }]);
    await expect(openOverlay(root, { draft: "main" })).rejects.toMatchObject(refused);
    await expect(removeDraft(root, "main")).rejects.toMatchObject(refused);
    expect(look()).toEqual(before);
  });

  it.each([
    ["trustOwner says so", { trustOwner: true }, undefined],
    ["that is who has called sudo", {}, String(owner)],
  ])("goes by it where %s", async (_, options, sudoUser) => {
    await plantRecord();
    giveAway(root);
    vi.stubEnv("SUDO_UID", sudoUser);
    await using overlay = await openOverlay(root, options);
    expect(overlay.recovered.outcome).toBe("finished");
    expect(fs.statSync(join(root, "evil"))).toMatchObject({ uid: 0, mode: 0o104755 });
    await overlay.undo();
    expect(fs.existsSync(join(root, "evil"))).toBe(false);
  });

  it("does not take back what a checkpoint says, nor commit a draft, with nothing unfinished", async () => {
    await openAndCommit();
    giveAway(root);
    const before = look();
    {
      await using overlay = await openOverlay(root);
      expect(overlay.recovered.outcome).toBe("clean");
      await expect(overlay.undo()).rejects.toMatchObject(refused);
      await expect(overlay.collectGarbage()).resolves.toMatchObject({ outcome: "nothing" });
    }
    await expect(openAndCommit({ draft: "other" })).rejects.toMatchObject(refused);
    expect(look()).toEqual(before);
    await openAndCommit({ trustOwner: true });
    const foreign = everything(state).filter((path) => fs.lstatSync(path).uid !== owner);
    expect(foreign).toEqual([]);
  });

  it("neither where it is root's and others may write to it", async () => {
    await plantRecord();
    fs.chmodSync(state, 0o770);
    await using overlay = await openOverlay(root);
    expect(overlay.recovered).toMatchObject({
      outcome: "refused",
      leftToPerson: [expect.stringContaining(`chmod go-w ${state}`)],
    });
  });

  it.each(["journal", "journal/current", "checkpoints.git"])(
    "nor where only its %s is another one's and there is something to carry out",
    async (name) => {
      await plantRecord();
      if (!fs.existsSync(join(state, name))) throw new Error(`there is no ${name}`);
      fs.lchownSync(join(state, name), owner, owner);
      const { recovered } = await openOverlay(root);
      expect(recovered).toMatchObject({
        outcome: "refused",
        leftToPerson: [expect.stringContaining(`${join(state, name)} belongs to`)],
      });
      await expect(openAndCommit()).rejects.toMatchObject(refused);
      expect(fs.existsSync(join(root, "evil"))).toBe(false);
    },
  );

  it("writes through no link that was planted in it", async () => {
    const outside = join(root, "outside");
    fs.mkdirSync(outside);
    await openAndCommit();
    for (const name of ["staging", "journal", "drafts", "clones"]) {
      fs.rmSync(join(state, name), { recursive: true, force: true });
      fs.symlinkSync(outside, join(state, name));
    }
    giveAway(root);
    await expect(openAndCommit()).rejects.toMatchObject(refused);
    await expect(openAndCommit({ draft: "main" })).rejects.toMatchObject(refused);
    await using overlay = await openOverlay(root, {
      memoryLimitBytes: 1 << 20,
      sandbox: { engine: "clone", require: "cooperative" },
    });
    overlay.fs.writeFileSync("spilled", Buffer.alloc(2 << 20, "spilled"));
    expect(await overlay.run("true")).toMatchObject({ exitCode: 0 });
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  it("nor one that has come since the overlay was opened", async () => {
    await plantRecord();
    giveAway(root);
    fs.renameSync(state, `${state}.planted`);
    await using overlay = await openOverlay(root);
    fs.renameSync(`${state}.planted`, state);
    overlay.fs.writeFileSync("file", "two\n");
    await expect(overlay.commit()).rejects.toMatchObject(refused);
    expect(fs.existsSync(join(root, "evil"))).toBe(false);
  });

  it("makes one of its own in a tree without any, and goes on with that", async () => {
    giveAway(root);
    await openAndCommit();
    expect(fs.lstatSync(state)).toMatchObject({ uid: 0, mode: 0o40700 });
    await using overlay = await openOverlay(root, { draft: "main" });
    await overlay.undo();
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("one\n");
  });
});

describe.runIf(isRoot)("the command line, to root", () => {
  beforeAll(buildCommandLine);

  const asRoot = (...args: string[]) => draftfs(["-C", root, ...args], { cwd: "/" });

  function asOwner(...args: string[]): number | null {
    const drop = [`--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"];
    const command = [process.execPath, commandLinePath, "-C", root, ...args];
    const env = { ...process.env, HOME: "/nonexistent" };
    return spawnSync("setpriv", [...drop, ...command], { cwd: "/", env }).status;
  }

  it("says what it has left alone and what to do, and does as it is told", async () => {
    await plantRecord();
    giveAway(root);
    const before = look();
    const status = asRoot("status");
    expect(status).toMatchObject({ code: 2, out: "A\t1\t0\tkept\n" });
    expect(status.err).toMatch(/^Left a commit .*interrupted.*\n {2}Cannot change .*--trust-owner/);
    expect(asRoot("log")).toMatchObject({ code: 0, err: status.err });
    expect(JSON.parse(asRoot("recover", "--json").out)).toMatchObject({
      recovered: { outcome: "refused" },
    });
    const commands = [
      ["recover"],
      ["commit"],
      ["undo", "--overwrite"],
      ["run", "--", "true"],
      ["discard"],
    ];
    for (const args of commands) {
      expect(asRoot(...args), args[0]).toMatchObject({
        code: 1,
        err: expect.stringContaining("belongs to another user (uid 65534)"),
      });
    }
    expect(asRoot("doctor").code).toBe(0);
    expect(look()).toEqual(before);
    const recovered = asRoot("recover", "--trust-owner");
    expect(recovered).toMatchObject({ code: 0, err: expect.stringContaining("Finished a commit") });
    expect(fs.statSync(join(root, "evil")).mode & 0o4000).toBe(0o4000);
    expect(asRoot("undo", "--trust-owner")).toMatchObject({
      code: 0,
      out: expect.stringContaining(`draftfs redo -C ${root} --trust-owner`),
    });
  });

  it("leaves to the owner what the owner can finish with no more than their own rights", async () => {
    await plantRecord();
    giveAway(root);
    expect(asOwner("recover")).toBe(0);
    expect(fs.statSync(join(root, "evil"))).toMatchObject({ uid: owner, mode: 0o100755 });
    const status = asRoot("status");
    expect(status).toMatchObject({ code: 2, err: "" });
  });
});
