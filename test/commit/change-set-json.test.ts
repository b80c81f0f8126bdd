import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { changeSetFromJson, changeSetSchema } from "../../src/commit/change-set/change-set-json.ts";
import { changeSetToJson } from "../../src/commit/change-set/change-set-to-json.ts";
import { isDraftError } from "../../src/errors.ts";
import { bufferContent, readContent } from "../../src/overlay/content/content.ts";
import { projectDirectory } from "../support/project-directory.ts";

const owned = { uid: 0, gid: 7, mtimeNs: 1_795_384_089_999_123_457n };
const stamp = {
  kind: "file",
  dev: 65_024n,
  ino: 9_007_199_254_740_993n,
  mode: 0o4755,
  nlink: 1,
  uid: 0,
  gid: 7,
  size: 3,
  mtimeNs: owned.mtimeNs,
  ctimeNs: -5n,
} as const;
const file = { kind: "file", mode: 0o4755, size: 3, oid: undefined, ...owned } as const;
const after = {
  state: file,
  content: bufferContent(Buffer.from([0, 255, 10])),
  timesSet: true,
  linkGroup: 2,
};

const changeSet: ChangeSet = {
  root: "/somewhere",
  changes: [
    { kind: "create", path: "a\n\udc80 ü", after },
    {
      kind: "modify",
      path: "b",
      before: { state: { ...file, oid: "0".repeat(40) }, stamp },
      after: { ...after, linkGroup: undefined, sameNode: true },
      aspects: ["content", "mode"],
    },
    {
      kind: "delete",
      path: "c",
      before: { state: { kind: "directory", mode: 0o700, ...owned }, stamp: undefined },
    },
    {
      kind: "rename",
      path: "d",
      from: "e",
      before: { state: { kind: "symlink", target: "x\udcff", ...owned }, stamp: undefined },
      after: {
        state: { kind: "symlink", target: "x\udcff", ...owned },
        content: undefined,
        timesSet: false,
        linkGroup: undefined,
      },
      aspects: [],
      replaced: undefined,
    },
  ],
};

describe("a change set as JSON", () => {
  it("comes back from its text as it was, bytes and 64-bit numbers included", () => {
    const text = JSON.stringify(changeSetToJson(changeSet, { content: true }));
    const back = changeSetFromJson(JSON.parse(text));
    expect(JSON.stringify(changeSetToJson(back, { content: true }))).toBe(text);
    const [created] = back.changes;
    expect(created?.path).toBe("a\n\udc80 ü");
    if (created?.kind !== "create" || created.after.content === undefined) expect.fail();
    expect(readContent(created.after.content)).toEqual(Buffer.from([0, 255, 10]));
  });

  it("is the same for the same change set", () => {
    const [one, other] = [changeSetToJson(changeSet), changeSetToJson({ ...changeSet })];
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  });

  it.each([
    ["is no object", []],
    ["has another format", { format: "draftfs change set 2", root: "/", changes: [] }],
    ["has a key too many", { format: "draftfs change set 1", root: "/", changes: [], more: 1 }],
  ])("is refused when it %s", (_, json) => {
    expect(codeOf(() => changeSetFromJson(json))).toBe("DRAFT_PLAN_INVALID");
  });

  it.each(["../x", "/x", "a/../b", "", "a//b", ".draftfs/x"])(
    "is refused when it touches %j",
    (path) => {
      const json = changeSetToJson({ ...changeSet, changes: [{ kind: "create", path, after }] });
      expect(codeOf(() => changeSetFromJson(json))).toBe("DRAFT_PLAN_INVALID");
    },
  );

  it("is refused when its bytes are not those of its ids", () => {
    const json = JSON.stringify(changeSetToJson(changeSet, { content: true }));
    const forged = JSON.parse(
      json.replaceAll(Buffer.from([0, 255, 10]).toString("base64"), "AAAA"),
    );
    expect(codeOf(() => changeSetFromJson(forged))).toBe("DRAFT_PLAN_INVALID");
  });

  it("is described by docs/change-set.schema.json", () => {
    const path = join(projectDirectory(), "docs/change-set.schema.json");
    const schema = `${JSON.stringify(z.toJSONSchema(changeSetSchema), undefined, 2)}\n`;
    if (process.env["DRAFTFS_WRITE_DOCS"] === "1") writeFileSync(path, schema);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(schema));
  });
});

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isDraftError(error) ? error.code : String(error);
  }
  return "returned";
}
