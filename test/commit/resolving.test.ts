import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import {
  commitResolving,
  type Resolver,
  takeOurs,
} from "../../src/commit/conflict/commit-resolving.ts";
import { mergingResolver } from "../../src/commit/conflict/merge.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { resolutionRoundsMax } from "../../src/limits.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

const base = "1\n2\n3\n4\n5\n";
const readBase = (): Buffer => Buffer.from(base);

/** A root with `file` and `other`, and ways to look at it. */
class Scene implements Disposable {
  readonly #root = TemporaryRoot.inMemory();
  readonly store = this.openStore();

  constructor() {
    this.write("file", base);
    this.write("other", "other\n");
  }

  /** As another process would. */
  openStore() {
    return openCommitStore(new NodeDisk(), stateDirectoryOf(this.#root.path));
  }

  at(path: string): string {
    return join(this.#root.path, path);
  }

  write(path: string, text: string): void {
    fs.writeFileSync(this.at(path), text);
  }

  read(path: string): string {
    return fs.readFileSync(this.at(path), "utf8");
  }

  builder(): ChangeBuilder {
    return new ChangeBuilder(this.#root.path);
  }

  tree() {
    return readTree(this.#root.path);
  }

  [Symbol.dispose](): void {
    this.store.objects.close();
    this.#root[Symbol.dispose]();
  }
}

/** Each reason, how it comes about, and what remains of it when ours is taken. */
const moves: readonly {
  readonly reason: string;
  readonly path: string;
  readonly draft: (scene: Scene) => ChangeSet;
  readonly disturb: (scene: Scene) => void;
}[] = [
  {
    reason: "appeared",
    path: "new",
    draft: (scene) => scene.builder().create("new", "ours\n").build(),
    disturb: (scene) => scene.write("new", "theirs\n"),
  },
  {
    reason: "vanished",
    path: "file",
    draft: (scene) => scene.builder().write("file", "ours\n").build(),
    disturb: (scene) => fs.unlinkSync(scene.at("file")),
  },
  {
    reason: "changed",
    path: "file",
    draft: (scene) => scene.builder().write("file", "ours\n").build(),
    disturb: (scene) => scene.write("file", "theirs, and longer\n"),
  },
  {
    reason: "retyped",
    path: "file",
    draft: (scene) => scene.builder().write("file", "ours\n").build(),
    disturb: (scene) => {
      fs.unlinkSync(scene.at("file"));
      fs.symlinkSync("other", scene.at("file"));
    },
  },
];

for (const { reason, path, draft, disturb } of moves) {
  test(`${reason}: ours is put over it, and nothing else is touched`, async () => {
    using scene = new Scene();
    const changes = draft(scene);
    disturb(scene);
    await commitResolving(scene.store, changes, takeOurs);
    expect(fs.lstatSync(scene.at(path)).isFile()).toBe(true);
    expect(scene.read(path)).toBe("ours\n");
    expect(scene.read("other")).toBe("other\n");
  });

  test(`${reason}: left undecided it refuses the commit, and nothing is touched`, async () => {
    using scene = new Scene();
    const changes = draft(scene);
    disturb(scene);
    const found = scene.tree();
    const seen: string[] = [];
    const undecided: Resolver = (conflict) => {
      seen.push(conflict.reason);
      return undefined;
    };
    await expect(commitResolving(scene.store, changes, undecided)).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      path,
      conflicts: [{ reason, path }],
    });
    expect(seen).toEqual([reason]);
    expect(scene.tree()).toEqual(found);
    expect(scene.store.journal.read()).toBeUndefined();
  });

  test(`${reason}: theirs stays, and the rest of the changes is made`, async () => {
    using scene = new Scene();
    const changes = draft(scene);
    const more = scene.builder().create("more", "more\n").build();
    const all = [...changes.changes, ...more.changes].sort((a, b) => (a.path < b.path ? -1 : 1));
    disturb(scene);
    const found = scene.tree();
    await commitResolving(scene.store, { ...changes, changes: all }, () => ({ kind: "theirs" }));
    const { more: made, ...rest } = scene.tree();
    expect(rest).toEqual(found);
    expect(made).toMatch(/"more\\n"$/);
  });
}

test("a deleted file that has changed is deleted where ours is taken", async () => {
  using scene = new Scene();
  const changes = scene.builder().remove("file").build();
  scene.write("file", "theirs\n");
  await commitResolving(scene.store, changes, takeOurs);
  expect(Object.keys(scene.tree())).toEqual(["other"]);
});

test("a directory that fills up in the place of a file is never removed for ours", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  fs.unlinkSync(scene.at("file"));
  fs.mkdirSync(scene.at("file"));
  scene.write("file/precious", "precious\n");
  await expect(commitResolving(scene.store, changes, takeOurs)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
  });
  expect(scene.read("file/precious")).toBe("precious\n");
});

// yeoman/generator#1273, #891.
test("the content that a resolver gives takes the place of both", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs\n");
  fs.chmodSync(scene.at("file"), 0o600);
  await commitResolving(scene.store, changes, () => ({
    kind: "content",
    content: Buffer.from("both\n"),
  }));
  expect(scene.read("file")).toBe("both\n");
});

test.each([
  ["a word", "theirs"],
  ["null", null],
  ["true", true],
  ["an unknown kind", { kind: "their" }],
  ["bytes", Buffer.from("both\n")],
  ["a content of text", { kind: "content", content: "both\n" }],
  ["no content", { kind: "content" }],
])("what is no decision (%s) overwrites nothing", async (_what, decision) => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").write("other", "ours\n").build();
  scene.write("file", "theirs\n");
  const committing = commitResolving(scene.store, changes, () => decision as never);
  await expect(committing).rejects.toMatchObject({
    code: "ERR_INVALID_ARG_VALUE",
    message: expect.stringMatching(/conflict of "file" is decided by .*Nothing was touched/),
  });
  expect([scene.read("file"), scene.read("other")]).toEqual(["theirs\n", "other\n"]);
});

test("a content for a file that the draft deletes is not taken for its deletion", async () => {
  using scene = new Scene();
  const changes = scene.builder().remove("file").build();
  scene.write("file", "theirs\n");
  const resolver: Resolver = () => ({ kind: "content", content: Buffer.from("both\n") });
  await expect(commitResolving(scene.store, changes, resolver)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    message: expect.stringContaining("the draft has no file there"),
  });
  expect(scene.read("file")).toBe("theirs\n");
});

test("merging takes the changes of both sides, and shows all three to the resolver", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "one\n2\n3\n4\n5\n").build();
  scene.write("file", "1\n2\n3\n4\nfive\n");
  await commitResolving(scene.store, changes, mergingResolver(), { readBase });
  expect(scene.read("file")).toBe("one\n2\n3\n4\nfive\n");
});

test("what cannot be merged refuses the commit; with markers it is committed", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs\n");
  await expect(
    commitResolving(scene.store, changes, mergingResolver(), { readBase }),
  ).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  expect(scene.read("file")).toBe("theirs\n");
  await commitResolving(scene.store, changes, mergingResolver({ markers: true }), { readBase });
  expect(scene.read("file")).toBe(
    `<<<<<<< draft\nours\n||||||| base\n${base}=======\ntheirs\n>>>>>>> disk\n`,
  );
});

test("merging takes from a checkpoint what both sides go back to, whoever made it", async () => {
  using scene = new Scene();
  const first = scene.builder().write("file", "one\n2\n3\n4\n5\n").build();
  const wish = { mtimeMs: 1_700_000_000_123 };
  const second = scene.builder().write("file", "1\n2\n3\n4\nfive\n", wish).build();
  await commitResolving(scene.store, first, takeOurs);
  // What the checkpoint replaced is the base.
  const later = scene.openStore();
  await commitResolving(later, second, mergingResolver());
  expect(scene.read("file")).toBe("one\n2\n3\n4\nfive\n");
  // What the checkpoint left is the base.
  const third = scene.builder().write("file", "one\ntwo\n3\n4\nfive\n").build();
  scene.write("file", "one\n2\n3\nfour\nfive\n");
  later.objects.close();
  const last = scene.openStore();
  await commitResolving(last, third, mergingResolver());
  last.objects.close();
  expect(scene.read("file")).toBe("one\ntwo\n3\nfour\nfive\n");
});

test("a base whose time was set is none: another version may have the same", async () => {
  using scene = new Scene();
  fs.utimesSync(scene.at("file"), 500_000_000, 500_000_000);
  const first = scene.builder().write("file", "one\n2\n3\n4\n5\n").build();
  const second = scene.builder().write("file", "1\n2\n3\n4\nfive\n").build();
  await commitResolving(scene.store, first, takeOurs);
  const later = scene.openStore();
  await expect(commitResolving(later, second, mergingResolver())).rejects.toThrow(
    '"file" has changed and cannot be merged: neither a checkpoint nor git has what the draft was based on.',
  );
  later.objects.close();
});

test.each([
  ["ours\n", "theirs\n", "both sides have changed the same lines"],
  ["ours\n", "\0theirs\n", "it is no text"],
])("an error says why it was not merged (%#)", async (ours, theirs, why) => {
  using scene = new Scene();
  const changes = scene.builder().write("file", ours).build();
  scene.write("file", theirs);
  const committed = commitResolving(scene.store, changes, mergingResolver(), { readBase });
  await expect(committed).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    message: expect.stringMatching(
      new RegExp(`"file" has changed and cannot be merged: ${why}\\..*--exclude`),
    ),
    details: { conflicts: [{ path: "file", because: `cannot be merged: ${why}` }] },
  });
});

test("merging leaves what has no base, and takes the same change made twice", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs\n");
  await expect(commitResolving(scene.store, changes, mergingResolver())).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
  });
  const more = scene.builder().create("more", "more\n").build();
  const both = { ...changes, changes: [...changes.changes, ...more.changes] };
  scene.write("file", "ours\n");
  await commitResolving(scene.store, both, mergingResolver());
  expect(scene.read("file")).toBe("ours\n");
  expect(scene.read("more")).toBe("more\n");
});

test("the same change made twice, and nothing else, is a commit of nothing or of ours", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "ours\n");
  await commitResolving(scene.store, changes, mergingResolver());
  expect(scene.read("file")).toBe("ours\n");
});

test.each([
  [
    "what moves while the resolver decides is shown to it again, and merged again",
    "1\n2\n3\n4\nfive\nsix\n",
    "one\n2\n3\n4\nfive\nsix\n",
  ],
  [
    "what the disk takes back while the resolver decides is not brought back by the merge",
    "1\n2\nthree\n4\n5\n",
    "one\n2\nthree\n4\n5\n",
  ],
])("%s", async (_promise, meanwhile, merged) => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "one\n2\n3\n4\n5\n").build();
  scene.write("file", "1\n2\n3\n4\nfive\n");
  const merging = mergingResolver();
  let rounds = 0;
  const resolver: Resolver = (conflict, sides) => {
    rounds += 1;
    const resolution = merging(conflict, sides);
    if (rounds === 1) scene.write("file", meanwhile);
    return resolution;
  };
  await commitResolving(scene.store, changes, resolver, { readBase });
  expect(rounds).toBe(2);
  expect(scene.read("file")).toBe(merged);
});

test("a tree that moves in every round is given up on, with what it last held in place", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs 0\n");
  let rounds = 0;
  const resolver: Resolver = () => {
    rounds += 1;
    scene.write("file", `theirs ${"x".repeat(rounds)}\n`);
    return { kind: "ours" };
  };
  await expect(commitResolving(scene.store, changes, resolver)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
  });
  expect(rounds).toBe(resolutionRoundsMax - 1);
  expect(scene.read("file")).toBe(`theirs ${"x".repeat(rounds)}\n`);
});

test("a file that goes away while the resolver looks at it ends in a decision, not in ENOENT", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs\n");
  const reasons: string[] = [];
  const resolver: Resolver = (conflict, sides) => {
    if (reasons.length === 0) fs.unlinkSync(scene.at("file"));
    reasons.push(conflict.reason);
    expect(sides().theirs).toBeUndefined();
    return { kind: "ours" };
  };
  await commitResolving(scene.store, changes, resolver);
  expect(reasons).toEqual(["changed", "vanished"]);
  expect(scene.read("file")).toBe("ours\n");
});

test("a resolver that fails ends the commit with its error, and nothing is touched", async () => {
  using scene = new Scene();
  const changes = scene.builder().write("file", "ours\n").build();
  scene.write("file", "theirs\n");
  const failing: Resolver = () => Promise.reject(new Error("cannot decide"));
  await expect(commitResolving(scene.store, changes, failing)).rejects.toThrow("cannot decide");
  expect(scene.read("file")).toBe("theirs\n");
});
