import { describe, expect, it } from "vitest";
import type { DraftCommand } from "../src/drafts/draft-command.ts";
import {
  type DraftEntry,
  type DraftIndex,
  decodeDraftIndex,
  encodeDraftIndex,
  type StoredContent,
} from "../src/drafts/draft-index.ts";
import type { LowerNode, NodeMeta } from "../src/overlay/pending/pending.ts";
import { fc } from "../test/support/properties.ts";

/** Names as Linux allows them: spaces, newlines, quotes, undecodable bytes as lone surrogates. */
const path = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }),
  fc.constantFrom("a b", "line\nbreak", 'quote"', "caf\udce9", "__proto__", "end 0", "ünïcödé/x"),
);
const whole = fc.nat();
const big = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const timeNs = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const mode = fc.integer({ min: 0, max: 0o7777 });

const lowerNode: fc.Arbitrary<LowerNode> = fc.record({
  path,
  stamp: fc.record({
    kind: fc.constantFrom("file", "directory", "symlink", "other"),
    dev: big,
    ino: big,
    mode,
    nlink: whole,
    uid: whole,
    gid: whole,
    size: fc.maxSafeNat(),
    mtimeNs: timeNs,
    ctimeNs: timeNs,
  }),
});
const maybeNode = fc.option(lowerNode, { nil: undefined });
const meta: fc.Arbitrary<NodeMeta> = fc.record({
  mode,
  uid: whole,
  gid: whole,
  atimeNs: timeNs,
  mtimeNs: timeNs,
});
const node = { path, base: maybeNode, origin: maybeNode, meta, timesSet: fc.boolean() };
const content: fc.Arbitrary<StoredContent> = fc.oneof(
  fc.record({ kind: fc.constant("lower" as const), node: lowerNode }),
  fc.record({
    kind: fc.constant("stored" as const),
    file: fc.constantFrom("data-1", "file-2-0"),
    offset: whole,
    size: whole,
    sums: fc.array(fc.string()),
  }),
);
const entry: fc.Arbitrary<DraftEntry> = fc.oneof(
  fc.record({ kind: fc.constant("whiteout" as const), path, base: maybeNode }),
  fc.record({
    kind: fc.constant("file" as const),
    ...node,
    link: fc.option(whole, { nil: undefined }),
    content,
  }),
  fc.record({
    kind: fc.constant("directory" as const),
    ...node,
    opaque: fc.boolean(),
    redirect: fc.option(path, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("symlink" as const), ...node, target: path }),
  fc.record({ kind: fc.constant("other" as const), ...node }),
);
const command: fc.Arbitrary<DraftCommand> = fc.record({
  id: whole,
  words: fc.array(fc.string()),
  startedMs: whole,
  elapsedMs: whole,
  exitCode: whole,
  paths: fc.array(path),
});
const index: fc.Arbitrary<DraftIndex> = fc
  .tuple(
    fc.array(entry, { maxLength: 8 }),
    fc.record({
      generation: whole,
      token: fc.uuid(),
      savedMs: whole,
      rootDev: big,
      rootIno: big,
      commands: fc.array(command, { maxLength: 3 }),
    }),
  )
  .map(([entries, header]) => ({ header: { ...header, entries: entries.length }, entries }));

describe("the index of a draft", () => {
  it("reads back exactly what was written", () => {
    fc.assert(
      fc.property(index, (value) => {
        expect(decodeDraftIndex(encodeDraftIndex(value))).toEqual(value);
      }),
    );
  });

  it("is canonical: equal indexes have equal bytes", () => {
    fc.assert(
      fc.property(index, (value) => {
        const bytes = encodeDraftIndex(value);
        const again = decodeDraftIndex(bytes) as DraftIndex;
        expect(encodeDraftIndex(again).equals(bytes)).toBe(true);
      }),
    );
  });

  it("is never read when any byte of it is changed or missing", () => {
    fc.assert(
      fc.property(index, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = encodeDraftIndex(value);
        const position = at % bytes.length;
        const changed = Buffer.from(bytes);
        changed[position] = (changed[position] ?? 0) ^ flip;
        expect(decodeDraftIndex(changed)).toHaveProperty("kind");
        expect(decodeDraftIndex(bytes.subarray(0, position))).toHaveProperty("kind");
      }),
    );
  });
});
