import { execFileSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { compareCheckpoints } from "../../src/recovery/compare-checkpoints.ts";
import { findDrift } from "../../src/recovery/find-drift.ts";
import { repairStore } from "../../src/recovery/repair-store.ts";
import { redo, undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
let states: string[];
beforeEach(async () => {
  fixture = new HistoryFixture();
  states = [];
  const files: Parameters<HistoryFixture["write"]>[0][] = [
    { a: "1\n", "d/b": "b\n" },
    { a: "2\n".repeat(1000) },
    { "d/c": "c\n", a: undefined, z: `${"2\n".repeat(1000)}x` },
  ];
  for (const each of files) {
    await fixture.write(each);
    states.push(JSON.stringify(fixture.snapshot()));
  }
});
afterEach(() => fixture.dispose());

const identity = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_ALLOW_PROTOCOL: "file",
};

/** Runs a script in the root, in which `$G` is git on the store. */
function script(text: string): void {
  const env = { ...process.env, ...identity, G: "git --git-dir=.draftfs/checkpoints.git" };
  execFileSync("bash", ["-euc", text], { cwd: fixture.root, env, stdio: "pipe" });
}

/** What there is to do goes on as if nothing had been. */
async function expectToGoOn(): Promise<void> {
  const store = fixture.reopen();
  expect([...checkpoints(store.objects)]).toHaveLength(3);
  await fixture.write({ n: "new" });
  await undo(store, { count: 2, durability: "none" });
  expect(JSON.stringify(fixture.snapshot())).toBe(states[1]);
  await redo(store, { durability: "none" });
  await undo(store, { count: 3, durability: "none" });
  expect(JSON.stringify(fixture.snapshot())).toBe(states[0]);
  expect((await verifyStore(store)).problems).toEqual([]);
  await collectGarbage(store, { operations: 2 });
  expect((await verifyStore(store)).problems).toEqual([]);
}

const swap = "mv .draftfs/checkpoints.git .draftfs/orig.git;";
const files = `$(
  ($G ls-tree main; printf '160000 commit %s\tsub\n' $($G rev-parse main)) | $G mktree --missing
)`;

describe("the history goes on after", () => {
  test.each([
    ["gc", "$G gc -q --prune=now --aggressive"],
    ["repack with bitmaps", "$G repack -adbq"],
    ["a multi-pack index", "$G repack -dq --geometric=2 --write-midx"],
    [
      "a multi-pack index that expires packs",
      "$G multi-pack-index write; $G multi-pack-index expire",
    ],
    ["indexes of version 1", "$G -c pack.indexVersion=1 repack -adfq"],
    ["packed refs", "$G pack-refs --all --prune"],
    ["a commit graph", "$G commit-graph write --reachable"],
    ["notes", "$G notes add -m hi main; $G notes --ref=x add -m yo refs/draftfs/operations"],
    [
      "replaced commits",
      `for r in main refs/draftfs/operations; do
        $G replace $($G rev-parse $r) $($G commit-tree -m replaced $r^{tree})
      done`,
    ],
    [
      "grafts",
      "mkdir -p .draftfs/checkpoints.git/info; $G rev-parse main > .draftfs/checkpoints.git/info/grafts",
    ],
    ["a detached head", "id=$($G rev-parse main); echo $id > .draftfs/checkpoints.git/HEAD"],
    ["a branch main that is gone", "$G update-ref -d refs/heads/main"],
    [
      "a push",
      "git clone -q .draftfs/checkpoints.git .draftfs/w; cd .draftfs/w; echo x > pushed; git add .; git commit -qm p; git push -q origin HEAD:main",
    ],
    [
      "a commit with a submodule",
      `$G update-ref refs/heads/main $($G commit-tree -p main -m sub ${files})`,
    ],
    [
      "a push of a submodule",
      `git clone -q .draftfs/checkpoints.git .draftfs/w; cd .draftfs/w; git init -q m
      git -C m commit -q --allow-empty -m x; git add m 2>&-; git commit -qm p; git push -q origin HEAD:main`,
    ],
    [
      "symbolic refs",
      `$G update-ref refs/heads/o refs/draftfs/operations; $G update-ref refs/heads/m main
      $G symbolic-ref refs/draftfs/operations refs/heads/o; $G symbolic-ref refs/heads/main refs/heads/m`,
    ],
    ["a mirror", `${swap} git clone -q --mirror .draftfs/orig.git .draftfs/checkpoints.git`],
    [
      "a shared clone",
      `${swap} git clone -q --shared --mirror .draftfs/orig.git .draftfs/checkpoints.git`,
    ],
    [
      "a shared clone of loose objects, by a relative path",
      `${swap} git init -q --bare .draftfs/loose.git; cat .draftfs/orig.git/objects/pack/*.pack > /dev/null
      for p in .draftfs/orig.git/objects/pack/*.pack; do
        git --git-dir=.draftfs/loose.git unpack-objects -q < $p
      done
      git clone -q --mirror .draftfs/orig.git .draftfs/checkpoints.git
      rm -f .draftfs/checkpoints.git/objects/pack/*
      echo ../../loose.git/objects > .draftfs/checkpoints.git/objects/info/alternates`,
    ],
    [
      "an alternate of an alternate",
      `${swap} git clone -q --shared --mirror .draftfs/orig.git .draftfs/middle.git
      git clone -q --shared --mirror .draftfs/middle.git .draftfs/checkpoints.git
      echo $PWD/.draftfs/middle.git/objects > .draftfs/checkpoints.git/objects/info/alternates`,
    ],
  ])("%s", async (_what, text) => {
    script(text);
    await expectToGoOn();
  });
});

test("a submodule that a user has put on the branch is nobody's drift or difference", async () => {
  await fixture.write({ q: "q" });
  script(`$G update-ref refs/heads/main $($G commit-tree -p main -m sub ${files})`);
  const store = fixture.reopen();
  expect(await findDrift(store)).toEqual([]);
  await fixture.write({ q: "r" });
  expect(await findDrift(store)).toEqual([]);
  const [now, before] = checkpoints(store.objects);
  if (now === undefined || before === undefined) throw new Error("there are two checkpoints");
  const edits = compareCheckpoints(store.objects, before, now);
  expect(edits.map((edit) => edit.new?.path)).toEqual(["q"]);
});

describe("what is missing is told", () => {
  const told = async (): Promise<string> => {
    const store = fixture.reopen();
    try {
      await undo(store, { count: 2 });
    } catch (error) {
      expect(error).toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
      return (error as Error).message;
    }
    return "nothing was missing";
  };

  test("an alternate that is not there", async () => {
    script(`${swap} git clone -q --shared --mirror .draftfs/orig.git .draftfs/checkpoints.git`);
    renameSync(join(fixture.root, ".draftfs/orig.git"), join(fixture.root, ".draftfs/away.git"));
    expect(await told()).toMatch(
      /objects\/info\/alternates names .*orig\.git\/objects, which is not/,
    );
  });

  test("a partial clone", async () => {
    script(`${swap} git -C .draftfs/orig.git config uploadpack.allowFilter true
      git clone -q --mirror --filter=blob:none file://$PWD/.draftfs/orig.git .draftfs/checkpoints.git`);
    expect(await told()).toMatch(/partial clone/);
  });
});

test("a repository of another object format is refused by verify and repair too", async () => {
  script(`${swap} git init -q --bare --object-format=sha256 .draftfs/checkpoints.git`);
  const store = fixture.reopen();
  for (const attempt of [() => verifyStore(store), () => repairStore(store), () => undo(store)]) {
    await expect(attempt()).rejects.toMatchObject({ code: "DRAFT_UNSUPPORTED" });
  }
});

test("a branch that names a tag is refused in words", async () => {
  script("$G tag -a -m t v1 main");
  const oid = fixture.git("rev-parse", "refs/tags/v1");
  writeFileSync(join(fixture.state.checkpoints, "refs/heads/main"), oid);
  fixture.reopen();
  await expect(fixture.write({ n: "new" })).rejects.toMatchObject({
    code: "DRAFT_STORE_CORRUPT",
    message: expect.stringContaining("names a tag, and no commit"),
  });
});
