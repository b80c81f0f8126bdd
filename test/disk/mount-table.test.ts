import { expect, test } from "vitest";
import { isInsideSandbox } from "../../src/disk/inside-sandbox.ts";
import {
  exitsBelow,
  mountsInside,
  parseMountTable,
  visibleMounts,
} from "../../src/disk/mount-table.ts";

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

test("what lies in a mount that is covered cannot be reached, and what covers it can", () => {
  const stage = ["2 1 /r", "3 2 /r/dev", "4 3 /r/dev/pts", "5 2 /r", "6 5 /r/dev"];
  const table = tableOf("1 0 /", ...stage);
  expect(visibleMounts(table).map(({ id }) => id)).toEqual([1, 5, 6]);
  expect(mountsInside(table, "/r").map(({ path }) => path)).toEqual(["/r/dev"]);
  const behind = tableOf("1 0 /", "2 1 /t/r", "3 2 /t/r/dev", "4 1 /t", "5 4 /t/r");
  expect(visibleMounts(behind).map(({ id }) => id)).toEqual([1, 4, 5]);
  const twice = tableOf("1 1 /", ...stage, "7 5 /r", "8 7 /r/a");
  expect(visibleMounts(twice).map(({ id }) => id)).toEqual([1, 7, 8]);
});

test("a process finds out that it is in a sandbox by what is mounted at /proc", () => {
  const table = (source: string) =>
    parseMountTable(
      Buffer.from(`1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:9 / /proc rw - proc ${source} rw\n`),
    );
  expect(isInsideSandbox(() => table("draftfs-0a1b2c3d-proc"))).toBe(true);
  expect(isInsideSandbox(() => table("proc"))).toBe(false);
  expect(isInsideSandbox()).toBe(false);
});
