import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, plant } from "../overlay/scratch.ts";

type Call = (...values: unknown[]) => unknown;
type Table = Readonly<Record<string, Call | undefined>>;

/** A value that stands for another one on each side: a path in its tree, or an open descriptor. */
class Place {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

class Opened {
  readonly flags: string;

  constructor(flags: string) {
    this.flags = flags;
  }
}

const odd = [undefined, null, -1, 1.5, Number.NaN, 2 ** 53, "", "7", true, {}, [], Symbol("odd")];
const at = (...paths: string[]): Place[] => paths.map((path) => new Place(path));
const paths = [
  ...at("f", "d", "broken", "none", "f/x"),
  ...[
    "a\0b",
    Buffer.from("a\0b"),
    new URL("http://x/y"),
    new URL("file:///a%2fb"),
    undefined,
    null,
  ],
  ...[true, {}, [], new Uint16Array(2)],
];
const descriptors = [new Opened("r+"), new Opened("r"), undefined, null, -1, 1.5, 2 ** 31, "3", {}];
const each = (name: string, values: readonly unknown[] = odd) =>
  values.map((value) => ({ [name]: value }));
const encodings = ["utf8", "buffer", "none", undefined, null, 1.5, true];
const textOptions = [...encodings, ...each("encoding", encodings), ...each("signal", [1, {}])];
/** Without `buffer`, which is no encoding for text: Node tells that in another way in each form. */
const texts = encodings.filter((encoding) => encoding !== "buffer");
const writeOptions = [...texts, ...each("encoding", texts), ...each("signal", [1, {}])];
const data = ["text", Buffer.from("b"), undefined, null, 1, true, {}, []];
const buffers = [Buffer.alloc(4), undefined, null, 1, "x", {}, []];
const vectors = [[Buffer.alloc(1)], ["x"], [Buffer.alloc(1), 1], undefined, null, 1, "x", {}];
const times = [1, undefined, null, "x", "1.5", true, {}, [], Number.NaN, new Date(0)];
const modes = [0o600, "600", "888", ...odd];
const signals = [1, null, {}, AbortSignal.abort(), new AbortController().signal];
const statOptions = [undefined, {}, ...odd, ...each("bigint"), ...each("signal", signals)];

/** What each argument of a function may be; the first one is right. */
const functions: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  access: [paths, modes],
  appendFile: [paths, data, writeOptions],
  chmod: [paths, modes],
  chown: [paths, [1, ...odd], [1, ...odd]],
  copyFile: [paths, [...at("new"), ...paths], modes],
  fchmod: [descriptors, modes],
  fchown: [descriptors, [1, ...odd], [1, ...odd]],
  fdatasync: [descriptors],
  fstat: [descriptors, statOptions],
  fsync: [descriptors],
  ftruncate: [descriptors, [1, ...odd]],
  futimes: [descriptors, times, times],
  lchown: [paths, [1, ...odd], [1, ...odd]],
  link: [paths, [...at("new"), ...paths]],
  lstat: [paths, statOptions],
  lutimes: [paths, times, times],
  mkdir: [paths, [undefined, ...odd, ...each("recursive"), ...each("mode", modes)]],
  open: [paths, ["r", "rx", "R", "", null, undefined, 1.5, true, {}], modes],
  opendir: [paths, textOptions],
  readFile: [paths, writeOptions],
  readdir: [
    paths,
    [
      ...textOptions,
      ...each(
        "recursive",
        odd.filter((value) => value !== true),
      ),
    ],
  ],
  readlink: [paths, textOptions],
  readv: [descriptors, vectors, [null, 0, "0", {}]],
  rename: [paths, [...at("new", "."), ...paths]],
  rm: [
    paths.slice(2),
    [undefined, ...odd, ...["recursive", "force", "maxRetries"].flatMap((name) => each(name))],
  ],
  rmdir: [
    [...at("."), ...paths],
    [undefined, {}],
  ],
  stat: [paths, statOptions],
  statfs: [paths, [undefined, {}, ...each("bigint")]],
  symlink: [paths, [...at("new"), ...paths], ["file", undefined, null, "x", 1, {}]],
  truncate: [paths, [1, ...odd]],
  unlink: [paths.slice(2)],
  utimes: [paths, times, times],
  write: [descriptors, buffers.filter((buffer) => typeof buffer !== "string"), [0, 1, 9, null]],
  writeFile: [paths, data, writeOptions],
  writev: [descriptors, vectors, [null, 0, "0", {}]],
};

const shaped: ReadonlySet<string> = new Set(["readv", "rm", "write", "writev"]);

/** Every argument by itself, every two of them together, and those at the end left out. */
function* argumentsOf(pools: readonly (readonly unknown[])[]): Generator<unknown[]> {
  const right = pools.map(([first]) => first);
  for (let count = 0; count < pools.length; count++) yield right.slice(0, count);
  for (const [index, pool] of pools.entries()) {
    for (const value of pool) {
      yield right.with(index, value);
      for (const [later, others] of pools.entries()) {
        if (later <= index) continue;
        for (const other of others) yield right.with(index, value).with(later, other);
      }
    }
  }
}

class Side {
  readonly fs: typeof nodeFs;
  readonly root: string;

  constructor(fileSystem: typeof nodeFs, root: string) {
    this.fs = fileSystem;
    this.root = root;
  }

  /** Takes away what a call has made, and brings back what it has moved there. */
  restore(name: string): void {
    if (name.endsWith("chmod")) {
      for (const path of ["d", "d/g", "f"]) this.fs.chmodSync(join(this.root, path), 0o700);
    }
    this.fs.rmSync(join(this.root, "new"), { recursive: true, force: true });
    for (const path of ["f", "d/g", "broken"]) {
      if (this.fs.lstatSync(join(this.root, path), { throwIfNoEntry: false })) continue;
      this.fs.mkdirSync(join(this.root, "d"), { recursive: true });
      if (path === "broken") this.fs.symlinkSync("gone", join(this.root, path));
      else this.fs.writeFileSync(join(this.root, path), "again");
    }
  }

  /** How a call ended, in words; nothing of what it returned. */
  async outcomeOf(form: string, name: string, values: readonly unknown[]): Promise<string> {
    const opened: number[] = [];
    const given = values.map((value) => {
      if (value instanceof Place) return join(this.root, value.path);
      if (!(value instanceof Opened)) return value;
      opened.push(this.fs.openSync(join(this.root, "d/g"), value.flags));
      return opened.at(-1);
    });
    const table = (form === "promise" ? this.fs.promises : this.fs) as unknown as Table;
    const call = table[form === "sync" ? `${name}Sync` : name] as Call;
    try {
      const result =
        form === "callback"
          ? await new Promise((resolve, reject) => {
              const callback = (error: unknown, value: unknown): void => {
                if (error === null) resolve(value);
                else reject(Object.assign(error as Error, { isTold: true }));
              };
              call(...given, callback);
            })
          : await this.#settled(call(...given));
      await this.#close(name, result);
      return "done";
    } catch (error) {
      const { name: kind, code, message, isTold } = error as Record<string, unknown>;
      const text = String(message).replaceAll(this.root, "<root>").replaceAll("<root>/", "<root>");
      return `${isTold === true ? "told: " : ""}${kind} ${code} ${text}`;
    } finally {
      for (const descriptor of opened) this.fs.closeSync(descriptor);
    }
  }

  /** What is thrown by a function that returns promises is no rejection. */
  #settled(result: unknown): unknown {
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw Object.assign(error as Error, { isTold: true });
    });
  }

  async #close(name: string, result: unknown): Promise<void> {
    if (name === "open" && typeof result === "number") this.fs.closeSync(result);
    else if (name === "open" || name === "opendir") {
      await (result as { close(): Promise<void> }).close();
    }
  }
}

function makeSide(fileSystem: (root: string) => typeof nodeFs): Side {
  const root = plant({ f: "alpha", "d/g": "beta" });
  nodeFs.symlinkSync("gone", join(root, "broken"));
  return new Side(fileSystem(root), root);
}

/** The same errors in the same order, thrown, rejected or told to the callback alike. */
describe.each(Object.keys(functions))("wrong arguments of %s", (name) => {
  test.each(["sync", "callback", "promise"])("are refused as Node does: %s", async (form) => {
    const isThere = form !== "promise" || name in nodeFs.promises;
    if (!isThere) return;
    const node = makeSide(() => nodeFs);
    const own = makeSide((root) => open(root).fs as unknown as typeof nodeFs);
    const differences: unknown[] = [];
    for (const values of argumentsOf(functions[name] ?? [])) {
      // Where the callback comes earlier, these take it for different arguments.
      const isShort = values.length < (functions[name] ?? []).length;
      if (isShort && form === "callback" && shaped.has(name)) continue;
      const [theirs, ours] = [
        await node.outcomeOf(form, name, values),
        await own.outcomeOf(form, name, values),
      ];
      if (theirs !== ours) differences.push({ values, theirs, ours });
      for (const side of [node, own]) side.restore(name);
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });
});

test.each(statOptions)(
  "options of a handle's stat are refused as Node does: %o",
  async (options) => {
    const root = plant({ f: "alpha" });
    const outcomes: string[] = [];
    for (const { promises } of [nodeFs, open(root).fs]) {
      const handle = await promises.open(join(root, "f"));
      outcomes.push(await outcomeOfStat(handle, options));
      await handle.close();
      outcomes.push(await outcomeOfStat(handle, options));
    }
    expect(outcomes.slice(2)).toEqual(outcomes.slice(0, 2));
  },
);

async function outcomeOfStat(handle: nodeFs.promises.FileHandle, options: unknown) {
  return handle.stat(options as object).then(
    ({ size }) => `${size}`,
    ({ name, code, message }) => `${name} ${code} ${message}`,
  );
}

test("an abort of a look that is under way is told by the releases that heed it", async () => {
  const root = plant({ f: "alpha" });
  const outcomes: unknown[] = [];
  for (const { promises } of [nodeFs, open(root).fs]) {
    const controller = new AbortController();
    const look = promises.stat(join(root, "f"), { signal: controller.signal } as object);
    controller.abort();
    outcomes.push(
      await look.then(
        ({ size }) => size,
        ({ name, message }) => [name, message],
      ),
    );
  }
  expect(outcomes[1]).toEqual(outcomes[0]);
});
