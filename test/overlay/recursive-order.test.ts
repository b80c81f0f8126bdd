import fs from "node:fs";
import { expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

/** What each form of a recursive listing gives, in its order. */
async function listings(of: typeof fs, root: string): Promise<string[][]> {
  const later = of.promises;
  const withTypes = await later.readdir(root, { recursive: true, withFileTypes: true });
  const byCallback = new Promise<string[]>((resolve, reject) => {
    of.readdir(root, { recursive: true }, (error, names) =>
      error === null ? resolve(names as string[]) : reject(error),
    );
  });
  return [
    of.readdirSync(root, { recursive: true }) as string[],
    await byCallback,
    await later.readdir(root, { recursive: true }),
    withTypes.map(({ name }) => name),
  ];
}

test("each form of a recursive listing has the order that Node gives it", async () => {
  const root = plant({ "a/1/x": "", "a/2": "", "b/1/x/y": "", "b/3": "", "c/4/z": "", d: "" });
  const expected = await listings(fs, root);
  const layer = open(root);
  expect(await listings(layer.fs as unknown as typeof fs, root)).toEqual(expected);
  layer.fs.writeFileSync("b/1/new", "");
  layer.fs.unlinkSync("b/1/new");
  expect(await listings(layer.fs as unknown as typeof fs, root)).toEqual(expected);
});
