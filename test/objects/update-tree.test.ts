import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeName } from "../../src/disk/names.ts";
import { parentOf } from "../../src/disk/tree-path.ts";
import { type CommitObject, encodeCommit, parseCommit } from "../../src/objects/commit-object.ts";
import type { PackBuilder } from "../../src/objects/pack-builder.ts";
import { emptyTreeOid, type TreeEntry } from "../../src/objects/tree.ts";
import { decodeTreeName, encodeTreeName } from "../../src/objects/tree-name.ts";
import { type TreeEdit, updateTree } from "../../src/objects/update-tree.ts";
import { fc } from "../support/properties.ts";
import { StoreFixture } from "./store-fixture.ts";

let fixture: StoreFixture;
beforeEach(() => {
  fixture = new StoreFixture();
});
afterEach(() => fixture.dispose());

/** Names that git sorts, refuses or quotes in a way of its own. */
const oddNames = [
  ".git",
  ".GIT",
  ".Git ",
  ".git.",
  "git~1",
  "GIT~2",
  ".g\u200cit",
  "\ufeff.git",
  ".git::$INDEX_ALLOCATION",
  ".gitmodules",
  ".gitattributes",
  "gi7eba~1",
  "x\\.git",
  "x\\git~1\\y",
  ".gitignore",
  ".github",
  "%2Egit",
  "100%",
  "%25",
  "a\nb",
  'quote"\\',
  "a",
  "a.b",
  "a-b",
  "a0",
  "\udc80\udcff",
  "ünïcode",
  "日本",
  "😀",
  " ",
  "-rf",
];

test("every name comes back as it was, and distinct names stay distinct", () => {
  const name = fc.oneof(
    fc.constantFrom(...oddNames),
    fc.string({ unit: fc.constantFrom(..."%.git~1\\\u200cE2:") }),
  );
  fc.assert(
    fc.property(name, name, (one, other) => {
      const recorded = decodeName(encodeTreeName(one));
      expect(decodeTreeName(recorded)).toBe(one);
      expect(recorded === decodeName(encodeTreeName(other))).toBe(one === other);
    }),
    { numRuns: 2000 },
  );
});

test("ordinary names are recorded as they are", () => {
  for (const name of [".gitignore", ".github", "a.git", "100%", "dot.", "~1", "x\\y", "日本"]) {
    expect(decodeName(encodeTreeName(name))).toBe(name);
  }
});

test("git accepts a tree with every odd name, as file and as directory", () => {
  const head = fixture.install((pack) => {
    const entry = { mode: "100644", oid: pack.add("blob", Buffer.from("odd\n")) } as const;
    const edits = oddNames.flatMap((name) => [
      { path: `files/${name}`, entry },
      { path: `directories/${name}/file`, entry },
    ]);
    return commitOf(pack, updateTree(fixture.store, pack, undefined, edits));
  });
  fixture.store.updateRef("refs/heads/main", head);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  const listed = listTree(fixture.git("rev-parse", `${head}^{tree}`).trim());
  expect(listed.size).toBe(2 * oddNames.length);
});

/** A model of a git tree: what lies at the path of each file. */
type Model = Map<string, TreeEntry>;

function applyToModel(model: Model, edits: readonly { path: string; text: string | undefined }[]) {
  for (const { path, text } of edits) {
    // Something comes where a directory was: all of it goes.
    for (const known of [...model.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) model.delete(known);
    }
    if (text === undefined) continue;
    // Something comes below where a file was.
    for (let above = parentOf(path); above !== ""; above = parentOf(above)) model.delete(above);
    model.set(path, entryFor(text));
  }
}

const texts = ["one", "two", "three"];
const entries = new Map<string, TreeEntry>();

function entryFor(text: string): TreeEntry {
  return entries.get(text) as TreeEntry;
}

test("any series of edits leads to the tree that a plain map of paths says", () => {
  fixture.install((pack) => {
    for (const text of texts) {
      entries.set(text, {
        mode: text === "two" ? "100755" : "100644",
        oid: pack.add("blob", Buffer.from(text)),
      });
    }
  });
  const component = fc.constantFrom("a", "a.b", "a-b", "a0", "b", ".git");
  const path = fc.array(component, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
  const edit = fc.record({ path, text: fc.option(fc.constantFrom(...texts), { nil: undefined }) });
  // One commit after the other, each of edits of which none lies below another.
  const steps = fc.array(
    fc.uniqueArray(edit, {
      maxLength: 6,
      comparator: (x, y) => x === y || `${x}/`.startsWith(`${y}/`) || `${y}/`.startsWith(`${x}/`),
      selector: (each) => each.path,
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(steps, (series) => {
      const model: Model = new Map();
      const tree = fixture.install((pack) => {
        let root: string | undefined;
        for (const edits of series) {
          applyToModel(model, edits);
          root = updateTree(
            fixture.store,
            pack,
            root,
            edits.map(
              ({ path, text }): TreeEdit => ({
                path,
                entry: text === undefined ? undefined : entryFor(text),
              }),
            ),
          );
        }
        return root as string;
      });
      fixture.store.refresh();
      expect(listTree(tree)).toEqual(
        new Map([...model].map(([at, entry]) => [recorded(at), entry])),
      );
      if (model.size === 0) expect(tree).toBe(emptyTreeOid);
    }),
    { numRuns: 40 },
  );
  expect(fixture.git("fsck", "--full", "--strict", "--no-dangling")).toBe("");
});

test("editing one file rewrites the directories above it and nothing else", () => {
  const add = (pack: PackBuilder, text: string): TreeEntry => ({
    mode: "100644",
    oid: pack.add("blob", Buffer.from(text)),
  });
  const root = fixture.install((pack) =>
    updateTree(
      fixture.store,
      pack,
      undefined,
      Array.from({ length: 400 }, (_, index) => ({
        path: `d${index % 20}/e${index % 10}/f${index}`,
        entry: add(pack, String(index)),
      })),
    ),
  );
  const { summary } = fixture.build((pack) => {
    updateTree(fixture.store, pack, root, [{ path: "d3/e3/f3", entry: add(pack, "new") }]);
  });
  // The blob, d3/e3, d3 and the root.
  expect(summary.count).toBe(4);
});

test("a commit comes back as it was and git takes any name and message", () => {
  const odd: CommitObject = {
    tree: emptyTreeOid,
    parents: [],
    author: { name: "<A>\n", email: "x<y>@z\n", timeMs: 1_234_567_890_999, offsetMinutes: -570 },
    committer: { name: "", email: "", timeMs: -5 },
    message: "subject with \0 nul\n\nbody\n\n",
  };
  const plain: CommitObject = {
    tree: emptyTreeOid,
    parents: [],
    author: { name: "A B", email: "a@b", timeMs: 1_234_567_890_000, offsetMinutes: 345 },
    committer: { name: "C", email: "", timeMs: 1_234_567_891_000, offsetMinutes: 0 },
    message: "subject\n\nbody",
  };
  expect(parseCommit(encodeCommit(plain))).toEqual(plain);
  const [first, second] = fixture.install((pack) => {
    pack.add("tree", Buffer.alloc(0));
    const one = pack.add("commit", encodeCommit(odd));
    return [one, pack.add("commit", encodeCommit({ ...plain, parents: [one] }))];
  });
  fixture.store.updateRef("refs/heads/main", second as string);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(fixture.git("log", "-1", "--format=%an|%ae|%ai|%s|%b", second as string)).toBe(
    "A B|a@b|2009-02-14 05:16:30 +0545|subject|body\n\n",
  );
  expect(fixture.git("log", "--format=%an|%ae|%at|%ct", first as string)).toBe(
    "A|x y @z|1234567890|0\n",
  );
});

function commitOf(pack: PackBuilder, tree: string): string {
  const who = { name: "A", email: "a@b", timeMs: 1_700_000_000_000 };
  return pack.add(
    "commit",
    encodeCommit({ tree, parents: [], author: who, committer: who, message: "m" }),
  );
}

function listTree(tree: string): Model {
  const lines = fixture.git("ls-tree", "-r", "-z", "--full-tree", tree).split("\0").slice(0, -1);
  return new Map(
    lines.map((line) => {
      const [facts = "", path = ""] = line.split("\t");
      const [mode, , oid] = facts.split(" ");
      return [path, { mode, oid } as TreeEntry];
    }),
  );
}

/** The path as git shows it. */
function recorded(path: string): string {
  return path
    .split("/")
    .map((name) => decodeName(encodeTreeName(name)))
    .join("/");
}
