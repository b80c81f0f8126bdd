import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openOverlay, removeDraft } from "../../src/index.ts";
import { buildCommandLine, draftfs } from "../support/built-command-line.ts";
import { removeTree } from "../support/remove-tree.ts";

beforeAll(buildCommandLine);

function scratchRoot(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "draftfs-place-")));
  onTestFinished(() => removeTree(root));
  return root;
}

test.each(["journal/current", "journal/progress", "journal/slots", "format", "drafts/main/index"])(
  "a directory in place of %s is damage, told with its path, and nothing else is touched",
  async (name) => {
    const root = scratchRoot();
    const options = { draft: "main" } as const;
    for (const text of ["one", "two"]) {
      await using overlay = await openOverlay(root, options);
      overlay.fs.writeFileSync(join(root, "a"), text);
      await overlay.commit({});
      overlay.fs.writeFileSync(join(root, "b"), text);
      await overlay.saveDraft();
    }
    const path = join(root, ".draftfs", name);
    renameSync(path, `${root}.kept`);
    mkdirSync(path);
    const damage = { code: "DRAFT_FORMAT_CORRUPT", path, message: expect.stringContaining(path) };
    await expect(openOverlay(root, options)).rejects.toMatchObject(damage);
    if (name.startsWith("drafts")) {
      await expect(removeDraft(root, "main")).rejects.toMatchObject(damage);
    }
    rmdirSync(path);
    renameSync(`${root}.kept`, path);
    await using overlay = await openOverlay(root, options);
    expect(overlay.fs.readFileSync(join(root, "b"), "utf8")).toBe("two");
    expect(await overlay.log()).toHaveLength(2);
  },
);

test("a directory in place of the note on power cuts is damage too", async () => {
  const root = scratchRoot();
  {
    await using overlay = await openOverlay(root);
    writeFileSync(join(root, "a"), "one");
    overlay.fs.writeFileSync(join(root, "a"), "two");
    await overlay.commit({});
  }
  const path = join(root, ".draftfs/journal/volatile");
  mkdirSync(path);
  await expect(openOverlay(root)).rejects.toMatchObject({ code: "DRAFT_FORMAT_CORRUPT", path });
});

test.each(["HEAD", "config", "refs/heads/main"])(
  "a directory in place of %s of the store is told with its path; commits come into the log later",
  async (name) => {
    const root = scratchRoot();
    const commit = async (text: string) => {
      await using overlay = await openOverlay(root);
      overlay.fs.writeFileSync(join(root, "a"), text);
      return overlay.commit({});
    };
    await commit("one");
    const path = join(root, ".draftfs/checkpoints.git", name);
    rmSync(path);
    mkdirSync(path);
    const said = expect.stringContaining(`${path}: a directory lies there`);
    const { unpublished } = await commit("two");
    expect(unpublished).toMatchObject({ code: "DRAFT_FORMAT_CORRUPT", path, message: said });
    await expect(commit("three")).rejects.toMatchObject({
      code: "DRAFT_RECOVERY_FAILED",
      path,
      message: said,
    });
    {
      await using overlay = await openOverlay(root);
      expect(overlay.recovered.leftToPerson).toEqual([said]);
    }
    const recover = draftfs(["recover"], { cwd: root });
    expect(recover).toMatchObject({ code: 1, err: said });
    rmdirSync(path);
    await commit("three");
    await using overlay = await openOverlay(root);
    expect(await overlay.log()).toHaveLength(3);
    expect((await overlay.verify()).isSound).toBe(true);
  },
);
