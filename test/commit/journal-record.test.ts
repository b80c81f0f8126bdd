import { expect, test } from "vitest";
import {
  decodeRecord,
  encodeRecord,
  type JournalRecord,
  readRecordHead,
  recordVersion,
} from "../../src/commit/journal/journal-record.ts";
import { isDraftError } from "../../src/errors.ts";

const record: JournalRecord = {
  sequence: 12,
  kind: "commit",
  createdMs: 1_795_388_107_227,
  bootId: "93d0d2a0-0000-4000-8000-000000000000",
  pack: { sequence: 12, checksum: "12aff134".repeat(5), size: 1398 },
  staging: ".draftfs/staging/commit-12",
  refs: [{ name: "refs/heads/main", before: null, after: "2db28eea".repeat(5) }],
  steps: [
    {
      kind: "remove",
      path: "odd \udcff\nname",
      node: { kind: "symlink", mode: 0o777, uid: 0, gid: 0, mtimeNs: "17", target: "to" },
    },
  ],
};
const bytes = encodeRecord(record);

/** What decoding says of bytes: the record, or the code of the error. */
function outcomeOf(changed: Buffer): JournalRecord | string {
  try {
    return decodeRecord(changed, "/journal/current");
  } catch (error) {
    if (isDraftError(error)) return error.code;
    throw error;
  }
}

test("a record is read back as it was written", () => {
  expect(outcomeOf(bytes)).toEqual(record);
  expect(readRecordHead(bytes.subarray(0, 128), "/journal/current")).toEqual({
    sequence: 12,
    size: bytes.length,
  });
});

test("a record that ends anywhere before its end is seen to be damaged", () => {
  for (let length = 0; length < bytes.length; length++) {
    expect(outcomeOf(bytes.subarray(0, length)), `${length} bytes`).toBe("DRAFT_FORMAT_CORRUPT");
  }
});

test("a record with anything behind its end is seen to be damaged", () => {
  for (const more of ["\n", "\0", "x", bytes.toString("latin1")]) {
    const longer = Buffer.concat([bytes, Buffer.from(more, "latin1")]);
    expect(outcomeOf(longer)).toBe("DRAFT_FORMAT_CORRUPT");
  }
});

test("a record of which any one bit is another is never taken for one", () => {
  const versionAt = bytes.indexOf(`${recordVersion}`);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    const at = bit >> 3;
    changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
    const outcome = outcomeOf(changed);
    // A higher version is refused by name; every other bit is damage.
    const isNewer = at === versionAt && /[2-9]/.test(String.fromCharCode(changed[at] as number));
    const expected = isNewer ? "DRAFT_FORMAT_NEWER" : "DRAFT_FORMAT_CORRUPT";
    expect(outcome, `bit ${bit & 7} of byte ${at}`).toBe(expected);
  }
});

test("a record of a newer version is refused by name, whatever its payload is", () => {
  const text = bytes.toString("latin1");
  const newer = text.replace(`journal ${recordVersion} `, `journal ${recordVersion + 1} `);
  expect(outcomeOf(Buffer.from(newer.replace("commit", "future"), "latin1"))).toBe(
    "DRAFT_FORMAT_NEWER",
  );
});

test("a header that belongs to another record is seen to be damaged", () => {
  const text = bytes.toString("latin1").replace("journal 1 12 ", "journal 1 13 ");
  expect(outcomeOf(Buffer.from(text, "latin1"))).toBe("DRAFT_FORMAT_CORRUPT");
});
