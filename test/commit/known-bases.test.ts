import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";

let root: string;
const at = (path: string): string => join(root, path);

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "draftfs-known-"));
  for (const name of ["edited", "removed", "moved"]) fs.writeFileSync(at(name), `old ${name}\n`);
  fs.writeFileSync(at("large"), "line\n".repeat(200_000));
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

function change({ fs: over }: Overlay): void {
  over.writeFileSync("edited", "new edited\n");
  over.rmSync("removed");
  over.renameSync("moved", "elsewhere");
  over.appendFileSync("elsewhere", "more\n");
}

/** By which an overlay comes to know what the files hold that it changes. */
const ways = {
  "line counts": async (overlay: Overlay) => (await overlay.diff()).lineCounts(),
  "a patch": async (overlay: Overlay) => (await overlay.diff()).toPatch(),
  "a saved draft": async (overlay: Overlay) => overlay.saveDraft(),
} as const;

const touch = (name: string): void => fs.utimesSync(at(name), new Date(), new Date(1e12));

/** The same bytes as another file at the same place, later. */
function rewrite(name: string): void {
  fs.copyFileSync(at(name), at(`${name}.copy`));
  touch(`${name}.copy`);
  fs.renameSync(at(`${name}.copy`), at(name));
}

describe.each(Object.entries(ways))("an overlay that has made %s", (_way, look) => {
  it.each([
    ["touched", touch],
    ["written again with the same bytes", rewrite],
  ])("commits over files that were only %s since", async (_what, act) => {
    await using overlay = await openOverlay(root, { draft: "main" });
    change(overlay);
    await look(overlay);
    for (const name of ["edited", "removed", "moved"]) act(name);
    await overlay.commit();
    expect(fs.readFileSync(at("edited"), "utf8")).toBe("new edited\n");
    expect(fs.existsSync(at("removed"))).toBe(false);
    expect(fs.readFileSync(at("elsewhere"), "utf8")).toBe("old moved\nmore\n");
  });

  it("still stops at one that holds something else, with the same size and time", async () => {
    await using overlay = await openOverlay(root, { draft: "main" });
    change(overlay);
    await look(overlay);
    const { atime, mtime } = fs.statSync(at("edited"));
    fs.writeFileSync(at("edited"), "OLD edited\n");
    fs.utimesSync(at("edited"), atime, mtime);
    await expect(overlay.commit()).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      path: "edited",
    });
    expect(fs.readFileSync(at("edited"), "utf8")).toBe("OLD edited\n");
  });

  it("does not take what a file holds later for what it held at first", async () => {
    await using overlay = await openOverlay(root, { draft: "main" });
    change(overlay);
    fs.writeFileSync(at("edited"), "OLD edited\n");
    await look(overlay);
    await expect(overlay.commit()).rejects.toMatchObject({ path: "edited" });
  });
});

it("a file that is changed in a part is read from the one below: it must be as it was", async () => {
  await using overlay = await openOverlay(root);
  overlay.fs.appendFileSync("large", "more\n");
  (await overlay.diff()).toPatch();
  touch("large");
  await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "large" });
  overlay.fs.writeFileSync("large", "short now\n");
  await overlay.commit();
  expect(fs.readFileSync(at("large"), "utf8")).toBe("short now\n");
});

it("an overlay that has read nothing goes by size, time and inode", async () => {
  await using overlay = await openOverlay(root);
  overlay.fs.writeFileSync("edited", "new edited\n");
  touch("edited");
  await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "edited" });
});
