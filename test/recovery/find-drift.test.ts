import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findDrift } from "../../src/recovery/find-drift.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

test("drift names every recorded path that is not as it was left, and no other", async () => {
  expect(await findDrift(fixture.store)).toEqual([]);
  fixture.edit("untracked", "1");
  await fixture.commit((fs, at) => {
    fs.mkdirSync(at("dir"));
    fs.mkdirSync(at("gone"));
    for (const path of ["same", "edited", "removed", "script", "dir/file", "gone/file", "typed"]) {
      fs.writeFileSync(at(path), "recorded");
    }
    fs.writeFileSync(at("large"), Buffer.alloc(9 * 1024 * 1024));
    fs.symlinkSync("same", at("link"));
    fs.symlinkSync("same", at("other-link"));
  });
  expect(await findDrift(fixture.store)).toEqual([]);
  fixture.edit("edited", "by hand!");
  fixture.edit("untracked", "2");
  fixture.edit("dir/new", "not recorded");
  rmSync(join(fixture.root, "removed"));
  rmSync(join(fixture.root, "gone"), { recursive: true });
  chmodSync(join(fixture.root, "script"), 0o755);
  unlinkSync(join(fixture.root, "link"));
  symlinkSync("elsewhere", join(fixture.root, "link"));
  unlinkSync(join(fixture.root, "typed"));
  mkdirSync(join(fixture.root, "typed"));
  expect(await findDrift(fixture.store)).toEqual([
    { path: "edited", reason: "changed" },
    { path: "gone", reason: "vanished" },
    { path: "link", reason: "changed" },
    { path: "removed", reason: "vanished" },
    { path: "script", reason: "mode" },
    { path: "typed", reason: "retyped" },
  ]);
});
