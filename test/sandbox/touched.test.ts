import fs, { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { MirrorNode } from "../../src/sandbox/harvest/mirror.ts";
import { PinnedTree } from "../../src/sandbox/harvest/pinned-tree.ts";
import { ViewWatch } from "../../src/sandbox/harvest/view-watch.ts";
import {
  exportTree,
  kernelEngines,
  openOver,
  scratchDirectory,
  treeOf,
} from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

const canWatch = nativeCalls(Number.POSITIVE_INFINITY)?.inotify !== undefined;
const quiet = { stdio: "ignore" } as const;
const setUp =
  "for d in 1 2 3 4 5 6 7 8 9 10 11 12 13; do mkdir -p p$d/sub; for f in a b c sub/x sub/y; do " +
  "echo $d-$f-long-enough > p$d/$f; done; ln -s a p$d/link; done; echo new > low/new";

/** What a later command may do to what an earlier one has made, each in a command of its own. */
const deeds = [
  "printf Z | dd of=p1/a bs=1 conv=notrunc 2>&1",
  'python3 -c "import os; os.truncate(\\"p2/a\\", 3)"',
  "chmod 600 p3/b; chmod 700 p3/sub",
  "touch -d @1000 p4/b; touch -h -d @2000 p4/link",
  'python3 -c "import mmap; f = open(\\"p5/a\\", \\"r+b\\"); m = mmap.mmap(f.fileno(), 0); m[0] = 65"',
  "echo other > t; mv t p6/a; echo again > p6/sub/t; mv p6/sub/t p6/sub/x",
  "mv p7 q7; echo more >> q7/b; mv q7 p7",
  "mv p8 q8; echo more >> q8/sub/y",
  "mv p9 t; mv p10 p9; mv t p10",
  "rm -r p11; mkdir p11; echo new > p11/a",
  "ln -sfn other p12/link; rm p12/sub/y; mkdir -p p12/n/e/w; echo x > p12/n/e/w/f",
  "mv p12/sub/x p12/x; echo more >> p12/x; echo more >> p12/n/e/w/f",
  "echo more >> low/l; rm low/gone; echo more >> low/new",
  "true",
  "echo more >> p1/a; rm -r q8/sub",
  "ln p13/a p13/sub/hard",
  "echo more >> p13/sub/hard",
  "rm p13/a",
];

describe.each(kernelEngines)("a later command of engine %s", (engine) => {
  it("is followed in all that it does to what was changed before", async () => {
    const root = treeOf({ "low/l": "l\n", "low/gone": "g\n", "low/kept": "k\n" });
    const { layer, session } = await openOver(root, { engine });
    await session.run("sh", ["-c", setUp], quiet);
    for (const deed of deeds) {
      const { exitCode } = await session.run("sh", ["-c", deed], quiet);
      expect([deed, exitCode]).toEqual([deed, 0]);
    }
    // Those of the root are not taken over.
    const times = (path: string): boolean => path !== "";
    const taken = snapshotOf(layer.fs, root, { times });
    expect(taken).toEqual(snapshotOf(fs, await exportTree(session), { times }));
  });

  it("is followed into directories that show nothing changed but in one below", async () => {
    const root = treeOf({ "a/b/one": "1\n", "a/c/two": "2\n", "a/d/e/three": "3\n" });
    const { session } = await openOver(root, { engine });
    // Enough for the engines that can to watch what they know.
    const make = "mkdir m; for i in $(seq 4000); do echo $i > m/$i; done; echo x > a/b/one";
    await session.run("sh", ["-c", make], quiet);
    await session.run("sleep", ["0.05"], quiet);
    const { changes } = await session.run("sh", ["-c", "echo more > a/c/two"], quiet);
    expect(changes).toEqual([{ path: "a/c/two", kind: "file" }]);
    const last = await session.run("rm", ["a/d/e/three"], quiet);
    expect(last.changes).toEqual([{ path: "a/d/e/three", kind: "removed" }]);
  });

  it.runIf(canWatch || engine === "fuse")("costs no look at what it does not touch", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const make = "mkdir m n; for i in $(seq 200); do echo $i > m/$i; echo $i > n/$i; done";
    await session.run("sh", ["-c", make], quiet);
    // The times of a directory that has just been changed say nothing: it is listed once more.
    await session.run("sleep", ["0.05"], quiet);
    const looks = vi.spyOn(PinnedTree.prototype, "lstat");
    onTestFinished(() => looks.mockRestore());
    const { changes } = await session.run("sh", ["-c", "echo more >> m/7; cat n/8"], quiet);
    expect(changes).toEqual([{ path: "m/7", kind: "file" }]);
    expect(looks.mock.calls.length).toBeLessThan(20);
  });

  it("is followed while another one that was asked for lives on", async () => {
    const { layer, root, session } = await openOver(treeOf({}), { engine });
    await session.run("sh", ["-c", "mkdir m; echo 1 > m/a; echo 1 > m/b; sleep 0.05"], quiet);
    const daemon = "(while [ ! -e go ]; do sleep 0.01; done; echo 2 > m/a; echo > done) &";
    await session.run("sh", ["-c", daemon], { ...quiet, keepDaemons: true });
    await session.run("sh", ["-c", "echo > go; until [ -e done ]; do sleep 0.01; done"], quiet);
    expect(layer.fs.readFileSync(join(root, "m/a"), "utf8")).toBe("2\n");
    await session.suspend();
  });
});

describe.runIf(canWatch)("what was touched in a view", () => {
  function watched(): { readonly watch: ViewWatch; readonly node: MirrorNode; place: string } {
    const place = scratchDirectory();
    const descriptor = openSync(place, "r");
    const watch = new ViewWatch(new PinnedTree(descriptor));
    onTestFinished(() => {
      watch.close();
      closeSync(descriptor);
    });
    const node = new MirrorNode();
    node.ino = 1n;
    watch.watch("", node);
    expect(node.isWatched).toBe(true);
    return { watch, node, place };
  }

  it("is told once, by names of any bytes", () => {
    const { watch, node, place } = watched();
    for (const name of ["a", "ü", "b\udc80"]) {
      writeFileSync(Buffer.from(`${place}/${name}`, "latin1"), "");
    }
    writeFileSync(`${place}/ü`, "");
    const names = watch.take()?.get(node);
    expect(names).toContain("a");
    expect(names).toContain("ü");
    expect(names).toContain("\udcfc");
    expect(watch.take()?.size).toBe(0);
  });

  it("is not known once events were lost, and is again afterwards", () => {
    const { watch, node, place } = watched();
    const most = Number(fs.readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
    for (let index = 0; index <= most; index++) {
      closeSync(openSync(`${place}/${index % 2}`, "w"));
    }
    expect(watch.take()).toBeUndefined();
    writeFileSync(`${place}/c`, "");
    expect([...(watch.take()?.get(node) ?? [])]).toEqual(["c"]);
  });
});
