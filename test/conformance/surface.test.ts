import nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { open, plant } from "../overlay/scratch.ts";

type Table = Readonly<Record<string, unknown>>;

/** Names and what is behind them, in the order in which they are shown. */
const formsOf = (table: object) =>
  Object.keys(table).map((name) => {
    const value = (table as Table)[name];
    return `${name}: ${value === null ? "null" : typeof value}`;
  });

/** Names of all methods and getters of an object, but those that Node keeps for itself. */
function membersOf(value: object): string[] {
  const names = new Set<string>();
  for (let at = value; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const key of Reflect.ownKeys(at)) {
      const name = typeof key === "string" ? key : `[${String(key.description)}]`;
      if (!/^(_|\[k[A-Z])|messaging_/.test(name)) names.add(name);
    }
  }
  return [...names].sort();
}

describe(`the surface of node:fs in Node ${process.versions.node}`, () => {
  test("every name that node:fs shows is there, in its order, and no other", () => {
    const { fs } = open(plant());
    expect(formsOf(fs)).toEqual(formsOf(nodeFs));
  });

  test("names that node:fs has without listing them are there in the same way", () => {
    const { fs } = open(plant());
    const unlisted = (table: object) =>
      Object.getOwnPropertyNames(table).filter((name) => !Object.keys(table).includes(name));
    expect(unlisted(fs)).toEqual(unlisted(nodeFs));
    const modes = nodeFs.constants as Table;
    for (const name of unlisted(fs)) expect((fs as unknown as Table)[name]).toBe(modes[name]);
  });

  // streamich/unionfs#311, streamich/memfs#1139.
  test("every name that node:fs/promises shows is there, and no other", () => {
    const { fs } = open(plant());
    expect(formsOf(fs.promises)).toEqual(formsOf(nodeFs.promises));
  });

  test("streams work on functions that were replaced", async () => {
    const { fs } = open(plant({ "a.txt": "alpha" }));
    const opened: unknown[] = [];
    const original = fs.open;
    Object.assign(fs, {
      open: (...input: unknown[]) => {
        opened.push(input[0]);
        Reflect.apply(original, fs, input);
      },
    });
    for await (const piece of fs.createReadStream("a.txt")) opened.push(String(piece));
    expect(opened).toEqual(["a.txt", "alpha"]);
  });

  test("constants, also those that are shown no more, are Node's", () => {
    const { fs } = open(plant());
    expect(fs.constants).toBe(nodeFs.constants);
    expect(fs.promises.constants).toBe(nodeFs.promises.constants);
  });

  test("a FileHandle and a Dir have every method of Node's", async () => {
    const root = plant({ "a.txt": "alpha" });
    const { fs } = open(root);
    const [ours, theirs] = [await fs.promises.open("a.txt"), await nodeFs.promises.open(root)];
    const missing = membersOf(theirs).filter((name) => !membersOf(ours).includes(name));
    await ours.close();
    await theirs.close();
    expect(missing).toEqual([]);
    const [dir, realDir] = [fs.opendirSync("."), nodeFs.opendirSync(root)];
    const missingOfDir = membersOf(realDir).filter((name) => !membersOf(dir).includes(name));
    dir.closeSync();
    realDir.closeSync();
    expect(missingOfDir).toEqual([]);
  });

  test("stats and entries have every field and method of Node's", () => {
    const root = plant({ "a.txt": "alpha" });
    const { fs } = open(root);
    fs.appendFileSync("a.txt", "+");
    for (const options of [{}, { bigint: true }]) {
      const ours = fs.statSync("a.txt", options) as object;
      const theirs = nodeFs.statSync(root, options) as object;
      expect(formsOf(ours)).toEqual(formsOf(theirs));
      expect(membersOf(ours)).toEqual(membersOf(theirs));
      for (const name of membersOf(theirs)) {
        const types = [ours, theirs].map((stats) => typeof Reflect.get(stats, name));
        expect(`${name}: ${types[0]}`).toBe(`${name}: ${types[1]}`);
      }
    }
    expect(formsOf(fs.statfsSync("."))).toEqual(formsOf(nodeFs.statfsSync(root)));
    const [entry] = fs.readdirSync(".", { withFileTypes: true });
    const [realEntry] = nodeFs.readdirSync(root, { withFileTypes: true });
    expect(membersOf(entry as object)).toEqual(membersOf(realEntry as object));
  });
});
