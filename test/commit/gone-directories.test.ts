import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { overlayWays } from "./overlay-ways.ts";

let root: string;
const at = (path: string): string => join(root, path);

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "draftfs-gone-"));
  fs.mkdirSync(at("directory"));
  fs.mkdirSync(at("elsewhere"));
  for (const name of ["changed", "removed"]) fs.writeFileSync(at(`directory/${name}`), "old\n");
  fs.writeFileSync(at("elsewhere/new"), "theirs\n");
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

async function openChanged(): Promise<Overlay> {
  const overlay = await openOverlay(root, { draft: "main" });
  overlay.fs.writeFileSync("directory/new", "new\n");
  overlay.fs.writeFileSync("directory/changed", "new\n");
  overlay.fs.rmSync("directory/removed");
  overlay.fs.mkdirSync("directory/made");
  overlay.fs.writeFileSync("directory/made/inner", "new\n");
  return overlay;
}

const events = {
  "has gone": () => {},
  "became a file": () => fs.writeFileSync(at("directory"), "a file\n"),
  "became a link": () => fs.symlinkSync("elsewhere", at("directory")),
} as const;

describe.each(Object.entries(overlayWays))("where a directory under %s", (_way, hand) => {
  it.each(Object.entries(events))("%s, changes in it are shown and refused", async (_what, act) => {
    const changed = await openChanged();
    fs.rmSync(at("directory"), { recursive: true });
    act();
    await using overlay = await hand(changed);
    const paths = [
      "directory/changed",
      "directory/made",
      "directory/made/inner",
      "directory/new",
      "directory/removed",
    ];
    expect((await overlay.diff()).changes.map(({ path }) => path)).toEqual(paths);
    const before = fs.readdirSync(root);
    await expect(overlay.commit()).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      message: expect.stringContaining("make it again"),
      details: {
        conflicts: paths
          .filter((path) => path !== "directory/made/inner")
          .map((path) => ({ path, reason: "unreachable" })),
      },
    });
    expect(fs.readdirSync(root)).toEqual(before);
    expect(fs.readdirSync(at("elsewhere"))).toEqual(["new"]);
  });

  it("has gone, the overlay shows what is pending in it", async () => {
    const changed = await openChanged();
    fs.rmSync(at("directory"), { recursive: true });
    await using overlay = await hand(changed);
    expect(overlay.fs.readdirSync(".")).toEqual(["directory", "elsewhere"]);
    expect(overlay.fs.readdirSync("directory")).toEqual(["changed", "made", "new"]);
    const entries = overlay.fs.readdirSync("directory", { withFileTypes: true });
    expect(entries.map(({ name }) => name)).toEqual(["changed", "made", "new"]);
    overlay.fs.rmSync("directory", { recursive: true });
    expect(overlay.fs.existsSync("directory")).toBe(false);
  });

  it("has been made again, they are committed", async () => {
    const changed = await openChanged();
    fs.rmSync(at("directory"), { recursive: true });
    await using overlay = await hand(changed);
    await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    fs.mkdirSync(at("directory"));
    fs.writeFileSync(at("directory/theirs"), "theirs\n");
    await overlay.commitForce();
    expect(fs.readdirSync(at("directory")).sort()).toEqual(["changed", "made", "new", "theirs"]);
    expect(fs.readFileSync(at("directory/made/inner"), "utf8")).toBe("new\n");
  });
});

/** What another program does to the files and links that a draft has changed. */
const losses = {
  "are gone": () => {},
  "are directories": (path: string) => fs.mkdirSync(path),
  "are links": (path: string) => fs.symlinkSync("elsewhere", path),
} as const;

describe.each(Object.entries(losses))("where files and links under a draft %s", (_what, put) => {
  it("the draft can be looked at as a patch for what is there, and is refused", async () => {
    const paths = ["edited", "moved", "executable", "link", "removed"];
    for (const path of paths.filter((one) => one !== "link")) fs.writeFileSync(at(path), "old\n");
    fs.symlinkSync("old", at("link"));
    {
      await using overlay = await openOverlay(root, { draft: "main" });
      const { fs: over } = overlay;
      over.writeFileSync("edited", "new\n");
      over.chmodSync("executable", 0o755);
      over.rmSync("removed");
      over.renameSync("moved", "elsewhere/moved");
      over.rmSync("link");
      over.symlinkSync("new", "link");
      await overlay.saveDraft();
    }
    for (const path of paths) {
      fs.rmSync(at(path));
      put(at(path));
    }
    await using overlay = await openOverlay(root, { draft: "main" });
    const changes = await overlay.diff();
    expect(changes.changes.map(({ path }) => path)).toEqual([
      "edited",
      "elsewhere/moved",
      "executable",
      "link",
      "removed",
    ]);
    expect(changes.lineCounts().get("edited")).toMatchObject({ insertions: 1 });
    expect(changes.toPatch().toString()).toContain("+new\n");
    await expect(overlay.commit()).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      details: { conflicts: paths.map((path) => ({ path })) },
    });
  });
});

describe("bytes of the disk that a pending file needs and that changed", () => {
  const largeBytes = "old".repeat(100_000);
  const changes = {
    "appended to": ({ fs: over }: Overlay) => over.appendFileSync("large", "more"),
    copied: ({ fs: over }: Overlay) => over.copyFileSync("large", "copy"),
  } as const;
  const events = {
    changed: () => fs.appendFileSync(at("large"), "more"),
    removed: () => fs.rmSync(at("large")),
  } as const;

  // A file that was opened to change a part of it can be read after its removal as well.
  it.each([
    ["appended to", "changed"],
    ["copied", "changed"],
    ["copied", "removed"],
  ] as const)("are a conflict where they were %s, then %s", async (change, event) => {
    fs.writeFileSync(at("large"), largeBytes);
    await using overlay = await openOverlay(root);
    changes[change](overlay);
    events[event]();
    const diff = await overlay.diff();
    expect(diff.changes).toHaveLength(1);
    expect(() => diff.toPatch()).toThrow(/"large" was changed or removed by another program/);
    for (const commit of [() => overlay.commit(), () => overlay.commitForce()]) {
      await expect(commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    }
  });

  it("are a conflict for a draft that comes back to them", async () => {
    fs.writeFileSync(at("large"), largeBytes);
    {
      await using overlay = await openOverlay(root, { draft: "main" });
      changes.copied(overlay);
      await overlay.saveDraft();
    }
    events.changed();
    await using overlay = await openOverlay(root, { draft: "main" });
    await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "large" });
  });
});
