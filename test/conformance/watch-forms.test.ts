import type { EventEmitter } from "node:events";
import nodeFs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { open, plant } from "../overlay/scratch.ts";

type Fs = typeof nodeFs;

/** Long enough for a watcher of the disk to be in place, and for its events to have arrived. */
const settleMs = 250;

/** Runs `observe` on a real directory and on an overlay over one like it; both must see the same. */
async function compare(
  seed: Readonly<Record<string, string>>,
  observe: (fs: Fs, root: string) => Promise<unknown>,
): Promise<void> {
  const realRoot = plant(seed);
  const root = plant(seed);
  const [expected, got] = await Promise.all([
    observe(nodeFs, realRoot),
    observe(open(root).fs, root),
  ]);
  const plain = (value: unknown, at: string) => JSON.stringify(value).replaceAll(at, "<root>");
  expect(plain(got, root)).toBe(plain(expected, realRoot));
}

const fieldsOf = (error: unknown) => {
  const { name, message } = error as Error;
  return Object.entries({ name, message, ...(error as object) }).sort();
};

test("what is missing cannot be watched, with the same error", async () => {
  await compare({ a: "a" }, async (fs, root) => {
    const errors: unknown[] = [];
    for (const path of ["missing", "a/below", "missing/below"]) {
      try {
        fs.watch(join(root, path)).close();
      } catch (error) {
        errors.push(fieldsOf(error));
      }
      try {
        for await (const event of fs.promises.watch(join(root, path))) errors.push(event);
      } catch (error) {
        errors.push(fieldsOf(error));
      }
    }
    return errors;
  });
});

test("names come in the encoding that was asked for", async () => {
  await compare({ "d/a": "a" }, async (fs, root) => {
    const seen: unknown[] = [];
    const watchers = (["buffer", "hex", "utf8"] as const).map((encoding, index) =>
      fs.watch(join(root, "d"), { encoding: encoding as "utf8" }, (_, name) => {
        seen[index] = Buffer.isBuffer(name) ? ["buffer", [...name]] : name;
      }),
    );
    await sleep(settleMs);
    fs.writeFileSync(join(root, "d/é"), "x");
    await sleep(settleMs);
    for (const watcher of watchers) watcher.close();
    return seen;
  });
});

test("a watcher ends by close and by a signal, and tells nothing afterwards", async () => {
  await compare({ "d/a": "a" }, async (fs, root) => {
    const seen: string[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const watchers = [fs.watch(join(root, "d")), fs.watch(join(root, "d"), { signal })];
    for (const [index, watcher] of watchers.entries()) {
      watcher.on("change", (type, name) => seen.push(`${index} ${type} ${name}`));
      watcher.on("close", () => seen.push(`${index} close`));
    }
    await sleep(settleMs);
    watchers[0]?.close();
    watchers[0]?.close();
    controller.abort();
    fs.writeFileSync(join(root, "d/n"), "n");
    await sleep(settleMs);
    return seen.sort();
  });
});

test("an iterator yields changes until it is aborted", async () => {
  await compare({ "d/a": "a", "d/b": "b" }, async (fs, root) => {
    const seen = new Set<string>();
    const controller = new AbortController();
    const ended = (async () => {
      try {
        const { signal } = controller;
        for await (const event of fs.promises.watch(join(root, "d"), { signal })) {
          seen.add(`${event.eventType} ${event.filename}`);
        }
        return "ended";
      } catch (error) {
        return `${(error as Error).name} ${(error as NodeJS.ErrnoException).code}`;
      }
    })();
    await sleep(settleMs);
    fs.appendFileSync(join(root, "d/a"), "+");
    fs.writeFileSync(join(root, "d/n"), "n");
    fs.unlinkSync(join(root, "d/b"));
    await sleep(settleMs);
    controller.abort();
    return [await ended, [...seen].sort()];
  });
});

test("an iterator that is aborted before it starts yields nothing", async () => {
  await compare({ a: "a" }, async (fs, root) => {
    try {
      const signal = AbortSignal.abort();
      for await (const event of fs.promises.watch(root, { signal })) return event;
      return "ended";
    } catch (error) {
      return `${(error as Error).name} ${(error as NodeJS.ErrnoException).code}`;
    }
  });
});

test("a loop that is left ends its iterator", async () => {
  await compare({ a: "a" }, async (fs, root) => {
    const iterator = fs.promises.watch(root)[Symbol.asyncIterator]();
    const first = iterator.next();
    await sleep(settleMs);
    fs.appendFileSync(join(root, "a"), "+");
    const event = await first;
    await iterator.return?.();
    return [event, await iterator.next()];
  });
});

test("a recursive watcher is told the paths of what comes, changes and goes below", async () => {
  await compare({ "d/a": "a", "d/sub/c": "c", "d/sub/deep/e": "e" }, async (fs, root) => {
    const names = new Set<unknown>();
    const watcher = fs.watch(join(root, "d"), { recursive: true }, (_, name) => names.add(name));
    await sleep(settleMs);
    fs.appendFileSync(join(root, "d/sub/c"), "+");
    fs.writeFileSync(join(root, "d/n"), "n");
    fs.unlinkSync(join(root, "d/a"));
    fs.writeFileSync(join(root, "d/sub/deep/f"), "f");
    await sleep(settleMs);
    watcher.close();
    return [...names].sort();
  });
});

test("watchFile tells the stats before and after", async () => {
  const intervalMs = 40;
  await compare({ a: "alpha", b: "bravo" }, async (fs, root) => {
    const seen: string[] = [];
    for (const name of ["a", "b", "later"]) {
      fs.watchFile(join(root, name), { interval: intervalMs }, (now, before) => {
        seen.push(`${name}: ${before.size} ${before.nlink} -> ${now.size} ${now.nlink}`);
      });
    }
    const act = async (run: () => void) => {
      await sleep(settleMs);
      run();
    };
    await act(() => fs.appendFileSync(join(root, "a"), "+"));
    await act(() => fs.unlinkSync(join(root, "b")));
    await act(() => fs.writeFileSync(join(root, "later"), "x"));
    await act(() => fs.writeFileSync(join(root, "b"), "back again"));
    await sleep(settleMs);
    for (const name of ["a", "b", "later"]) fs.unwatchFile(join(root, name));
    await act(() => fs.appendFileSync(join(root, "a"), "+"));
    await sleep(settleMs);
    return seen;
  });
});

test("watchFile and unwatchFile count their listeners as Node does", async () => {
  await compare({ a: "alpha" }, async (fs, root) => {
    const path = join(root, "a");
    const seen: string[] = [];
    const first = () => seen.push("first");
    const second = () => seen.push("second");
    const watchers = [
      fs.watchFile(path, { interval: 40, bigint: true }, first),
      fs.watchFile(path, { interval: 40 }, second),
    ];
    fs.unwatchFile(path, first);
    await sleep(settleMs);
    fs.appendFileSync(path, "+");
    await sleep(settleMs);
    const stopped: string[] = [];
    (watchers[0] as EventEmitter).on("stop", () => stopped.push("stop"));
    fs.unwatchFile(path);
    fs.unwatchFile(path);
    (watchers[0] as unknown as { stop: () => void }).stop();
    await sleep(1);
    return [seen, stopped, watchers[0] === watchers[1]];
  });
});

test("changes below that show through are told, hidden ones are not", async () => {
  const root = plant({ "d/shown": "s", "d/hidden": "h", "d/gone": "g" });
  const { fs } = open(root);
  fs.appendFileSync(join(root, "d/hidden"), "+");
  fs.unlinkSync(join(root, "d/gone"));
  const names = new Set<unknown>();
  const watcher = fs.watch(join(root, "d"), (_, name) => names.add(name));
  await sleep(settleMs);
  nodeFs.appendFileSync(join(root, "d/shown"), "+");
  nodeFs.appendFileSync(join(root, "d/hidden"), "-");
  nodeFs.appendFileSync(join(root, "d/gone"), "-");
  nodeFs.writeFileSync(join(root, "d/new"), "n");
  await sleep(settleMs);
  watcher.close();
  expect([...names].sort()).toEqual(["new", "shown"]);
});

test("a rollback is told as the changes that it takes back", async () => {
  const root = plant({ "d/a": "a", "d/b": "b" });
  const layer = open(root);
  const savepoint = layer.savepoint();
  layer.fs.appendFileSync(join(root, "d/a"), "+");
  layer.fs.unlinkSync(join(root, "d/b"));
  layer.fs.writeFileSync(join(root, "d/n"), "");
  const events = new Set<string>();
  const watcher = layer.fs.watch(join(root, "d"), (type, name) => events.add(`${type} ${name}`));
  layer.rollback(savepoint);
  await sleep(settleMs);
  watcher.close();
  expect([...events].sort()).toEqual(["change a", "rename b", "rename n"]);
});

test("wrong options are refused as Node refuses them", async () => {
  const optionLists = [
    { signal: 5 },
    { signal: {} },
    { recursive: true, signal: {} },
    { recursive: 1 },
    { recursive: true, persistent: 1 },
    { persistent: "yes" },
    { encoding: "utf-99" },
    { maxQueue: "many" },
    { overflow: "burst" },
    { ignore: 5 },
    { ignore: ["a", ""] },
    { ignore: [["nested"]] },
    5,
  ] as readonly object[];
  await compare({ "d/a": "a" }, async (fs, root) => {
    const refusals: unknown[] = [];
    for (const options of optionLists) {
      try {
        fs.watch(join(root, "d"), options).close();
        refusals.push("none");
      } catch (error) {
        refusals.push(fieldsOf(error));
      }
      // Ends at once where the options are right, because the path is missing.
      const events = fs.promises.watch(join(root, "missing"), options)[Symbol.asyncIterator]();
      refusals.push(await events.next().catch(fieldsOf));
    }
    for (const interval of ["1", -1, 1.5, 2 ** 32, null, undefined] as number[]) {
      try {
        fs.watchFile(join(root, "d"), { interval, persistent: false }, () => {});
        refusals.push("none");
      } catch (error) {
        refusals.push(fieldsOf(error));
      }
      fs.unwatchFile(join(root, "d"));
    }
    return refusals;
  });
});

test("names that are to be ignored are not told, by releases that know how", async () => {
  const ignore = ["*.log", /^tmp/, (name: string) => name === "own", "d/deep/*"];
  await compare({ "w/d/deep/a": "a", "w/kept/a": "a" }, async (fs, root) => {
    const names: Set<unknown>[] = [];
    const watchers = [false, true].map((recursive, index) => {
      const seen = new Set<unknown>();
      names[index] = seen;
      const options = { recursive, ignore } as object;
      return fs.watch(join(root, "w"), options, (_, name) => seen.add(name));
    });
    await sleep(settleMs);
    for (const name of ["a.log", "tmpfile", "own", "told", ".hidden.log", "kept/b.log", "kept/b"]) {
      fs.writeFileSync(join(root, "w", name), "");
    }
    fs.writeFileSync(join(root, "w/d/deep/b"), "");
    await sleep(settleMs);
    for (const watcher of watchers) watcher.close();
    return names.map((seen) => [...seen].sort());
  });
});

test("what is missing is watched in silence by releases that know how", async () => {
  await compare({ a: "a" }, async (fs, root) => {
    const outcomes: unknown[] = [];
    for (const path of ["missing", "a/below"]) {
      try {
        fs.watch(join(root, path), { throwIfNoEntry: false } as object).close();
        outcomes.push("none");
      } catch (error) {
        outcomes.push(fieldsOf(error));
      }
    }
    return outcomes;
  });
});

test("an iterator keeps as many events as it is told to, and fails or drops the rest", async () => {
  const root = plant({ a: "a" });
  const { fs } = open(root);
  const fill = async (options: object) => {
    const events = fs.promises.watch(root, { maxQueue: 2, ...options } as object);
    const iterator = events[Symbol.asyncIterator]();
    const first = iterator.next();
    await sleep(0);
    for (const name of ["b", "c", "d", "e"]) fs.mkdirSync(join(root, name));
    await sleep(settleMs);
    for (const name of ["b", "c", "d", "e"]) fs.rmdirSync(join(root, name));
    await sleep(settleMs);
    const names = [(await first).value?.filename, (await iterator.next()).value?.filename];
    await iterator.return?.();
    return names;
  };
  await expect(fill({ overflow: "error" })).rejects.toMatchObject({
    code: "ERR_FS_WATCH_QUEUE_OVERFLOW",
    message: "fs.watch() queued more than 2 events",
  });
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on("warning", listen);
  expect(await fill({})).toEqual(["b", "c"]);
  await sleep(0);
  process.off("warning", listen);
  expect(warnings).toContain("fs.watch maxQueue exceeded");
});
