import { expect, test } from "vitest";
import { inNameOrder } from "../../src/overlay/path/name-order.ts";
import { open, plant } from "./scratch.ts";

const byBytes = (left: string, right: string) =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

const lists = [
  ["a", "b", "d"],
  ["", "B", "ab", "b1", "b10", "b2", "é"],
  ["\u{1f600}", "a"],
  ["\ue000", "\uffee", "z"],
  [],
];

test("names are merged by the bytes of UTF-8, which code units are not", () => {
  for (const below of lists) {
    for (const own of lists) {
      const sorted = [...below].sort(byBytes);
      const expected = [...below, ...own].sort(byBytes);
      expect(inNameOrder(sorted, [...own], (name) => name)).toEqual(expected);
      const [entries, others] = [sorted, own].map((names) => names.map((name) => ({ name })));
      const merged = inNameOrder(entries ?? [], others ?? [], ({ name }) => name);
      expect(merged.map(({ name }) => name)).toEqual(expected);
    }
  }
});

test("a lower that does not sort is sorted", () => {
  expect(inNameOrder(["c", "a"], ["b"], (name) => name)).toEqual(["a", "b", "c"]);
});

test("what is new stands among what lies below, by every form of listing", () => {
  const { fs } = open(plant({ "d/b": "", "d/d": "", "d/é": "", "d/gone": "" }));
  for (const name of ["c", "a", "~", "ð"]) fs.writeFileSync(`d/${name}`, "");
  fs.unlinkSync("d/gone");
  const names = ["a", "b", "c", "d", "~", "é", "ð"];
  expect(fs.readdirSync("d")).toEqual(names);
  expect(fs.readdirSync("d", { withFileTypes: true }).map(({ name }) => name)).toEqual(names);
});
