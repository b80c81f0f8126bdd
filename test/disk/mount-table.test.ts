import { expect, test } from "vitest";
import { exitsBelow, parseMountTable } from "../../src/disk/mount-table.ts";

/** A table of mounts, each `id parent place`. */
function tableOf(...rows: string[]) {
  const lines = rows.map((row) => {
    const [id, parent, path] = row.split(" ");
    return `${id} ${parent} 8:1 / ${path} rw,relatime shared:1 - ext4 /dev/sda1 rw\n`;
  });
  return parseMountTable(Buffer.from(lines.join("")));
}

test("what is mounted below a directory leads out of its mount, whatever it is of", () => {
  const table = tableOf(
    "1 0 /",
    "2 1 /proc",
    "3 1 /r/m",
    "4 1 /r/a\\040b",
    "5 3 /r/m/n",
    "6 1 /rx",
  );
  expect(exitsBelow(table, "/r").toSorted()).toEqual(["/r/a b", "/r/m"]);
  expect(exitsBelow(table, "/r/m")).toEqual(["/r/m/n"]);
  expect(exitsBelow(table, "/rx")).toEqual([]);
  expect(exitsBelow(table, "/").toSorted()).toEqual(["/proc", "/r/a b", "/r/m", "/rx"]);
});

test("what a later mount covers is out of reach", () => {
  const below = ["1 0 /", "2 1 /home/r/m", "3 1 /home/r/n"];
  expect(exitsBelow(tableOf(...below, "4 1 /home/r"), "/home/r")).toEqual([]);
  expect(exitsBelow(tableOf("4 1 /home", ...below), "/home/r")).toEqual([]);
  expect(exitsBelow(tableOf(...below, "4 1 /home", "5 4 /home/r/k"), "/home/r")).toEqual([
    "/home/r/k",
  ]);
  expect(exitsBelow(tableOf("1 0 /", "2 1 /r", "3 2 /r", "4 2 /r/m"), "/r")).toEqual([]);
});
