import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { RootLock } from "../../src/commit/lock/lock.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { identifyProcess, type ProcessIdentity } from "../../src/disk/process-identity.ts";
import { type StateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import type { CompiledSource } from "../support/compiled-sources.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { LinklessDisk } from "../support/linkless-disk.ts";
import { TemporaryRoot } from "./scenario.ts";

const disk = new NodeDisk();

/** A root with a place for its lock. */
class LockScene implements Disposable {
  readonly #root = TemporaryRoot.inMemory();
  readonly state: StateDirectory = stateDirectoryOf(this.#root.path);

  constructor() {
    fs.mkdirSync(dirname(this.state.lock), { recursive: true });
  }

  /** A lock as `holder` would have left it. */
  leave(holder: ProcessIdentity, token = "left"): void {
    fs.writeFileSync(this.state.lock, `${JSON.stringify({ ...holder, token })}\n`);
  }

  /** The files of the lock and of those who want it. */
  files(): string[] {
    return fs.readdirSync(dirname(this.state.lock)).filter((name) => name.startsWith("lock"));
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

const self = identifyProcess(disk);
const dead: readonly [string, () => ProcessIdentity][] = [
  ["whose process is gone", () => ({ ...self, pid: deadPid() })],
  ["whose process number belongs to another one now", () => ({ ...self, startTime: "1" })],
  ["of an earlier running of the kernel", () => ({ ...self, bootId: "another" })],
];

for (const [whose, holder] of dead) {
  test(`a lock ${whose} is taken over, and nothing of it stays`, async () => {
    using scene = new LockScene();
    scene.leave(holder());
    using lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
    expect(scene.files()).toEqual(["lock"]);
    lock.release();
    expect(scene.files()).toEqual([]);
  });
}

test("a lock whose process has ended, and whose parent does not ask for it, is taken over", async () => {
  const script = "sleep 0.01 & echo $!; exec sleep 60 <&- >&-";
  const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    const state = () => fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0];
    while (state() !== "Z") await delay(5);
    using scene = new LockScene();
    const startTime = fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(" ")[21] ?? "";
    scene.leave({ ...self, pid, startTime });
    using _lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
    expect(scene.files()).toEqual(["lock"]);
  } finally {
    parent.kill();
  }
});

test("a taker that died while it replaced a dead one is replaced in turn", async () => {
  using scene = new LockScene();
  const gone = { ...self, pid: deadPid() };
  scene.leave(gone, "first");
  fs.writeFileSync(`${scene.state.lock}.first`, JSON.stringify({ ...gone, token: "second" }));
  using lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
  expect(scene.files()).toEqual(["lock"]);
  lock.release();
  expect(scene.files()).toEqual([]);
});

test("a lock that a power cut left empty is taken over", async () => {
  using scene = new LockScene();
  fs.writeFileSync(scene.state.lock, "");
  using _lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
  expect(scene.files()).toEqual(["lock"]);
});

test("a second power cut that also leaves the right to a torn lock empty is got over", async () => {
  using scene = new LockScene();
  fs.writeFileSync(scene.state.lock, "");
  const torn = `${scene.state.lock}.torn_${fs.statSync(scene.state.lock).ino}`;
  fs.writeFileSync(torn, "");
  fs.writeFileSync(`${scene.state.lock}.torn_${fs.statSync(torn).ino}`, "");
  using _lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
  expect(scene.files()).toEqual(["lock"]);
});

const alive: readonly [string, ProcessIdentity][] = [
  ["of a live process", self],
  ["of another machine", { ...self, host: "elsewhere", pid: 1, bootId: "another" }],
  ["of another container", { ...self, pidNamespace: "pid:[1]", pid: 2 ** 22 + 1 }],
];

for (const [whose, holder] of alive) {
  test(`a lock ${whose} is never taken over: the wait ends and names the holder`, async () => {
    using scene = new LockScene();
    scene.leave(holder);
    const left = fs.readFileSync(scene.state.lock, "utf8");
    await expect(RootLock.take(disk, scene.state, { waitMs: 20 })).rejects.toMatchObject({
      code: "DRAFT_LOCKED",
      path: scene.state.lock,
      message: expect.stringContaining(`process ${holder.pid} on ${holder.host}`),
      details: { pid: holder.pid, host: holder.host },
    });
    expect(fs.readFileSync(scene.state.lock, "utf8")).toBe(left);
    expect(scene.files()).toEqual(["lock"]);
  });
}

test("what is no lock of ours is left alone, whatever JSON it holds", async () => {
  for (const text of ["{}", "null", "[]", '{"pid":1,"token":5}', '{"pid":"x","token":"/../y"}']) {
    using scene = new LockScene();
    fs.writeFileSync(scene.state.lock, text);
    await expect(RootLock.take(disk, scene.state, { waitMs: 0 }), text).rejects.toMatchObject({
      code: "DRAFT_LOCKED",
      message: expect.stringContaining("somebody unknown"),
    });
    expect(fs.readFileSync(scene.state.lock, "utf8")).toBe(text);
  }
});

test("a waiter gets the lock when its holder gives it back", async () => {
  using scene = new LockScene();
  const first = await RootLock.take(disk, scene.state);
  const waiting = RootLock.take(disk, scene.state);
  first.release();
  using _second = await waiting;
  first.release();
  expect(scene.files()).toEqual(["lock"]);
});

test("a signal ends the wait, and the lock stays its holder's", async () => {
  using scene = new LockScene();
  using _held = await RootLock.take(disk, scene.state);
  const controller = new AbortController();
  const waiting = RootLock.take(disk, scene.state, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
  expect(scene.files()).toEqual(["lock"]);
});

let project: CompiledProject;
beforeAll(() => {
  project = CompiledProject.build();
}, 120_000);
/** Takes the lock again and again; the exclusive file notices whoever else holds it. */
function contender(root: string, hasLinks: boolean): ChildProcess {
  const from = (source: CompiledSource): string => JSON.stringify(project.pathOf(source));
  const program = `
    import fs from "node:fs";
    const { RootLock } = await import(${from("src/commit/lock/lock.ts")});
    const { NodeDisk } = await import(${from("src/disk/node/node-disk.ts")});
    const { stateDirectoryOf } = await import(${from("src/disk/state/state-directory.ts")});
    const root = ${JSON.stringify(root)};
    const disk = new NodeDisk();
    if (!${hasLinks}) disk.link = () => { throw Object.assign(new Error(), { code: "EPERM" }); };
    const state = stateDirectoryOf(root);
    const ghost = ${JSON.stringify({ ...self, startTime: "1" })};
    for (let turn = 0; turn < 40; turn++) {
      const lock = await RootLock.take(disk, state, { waitMs: 60_000 });
      const held = fs.openSync(root + "/held", "wx");
      fs.appendFileSync(root + "/turns", "x");
      await new Promise((done) => setImmediate(done));
      fs.closeSync(held);
      fs.unlinkSync(root + "/held");
      if (turn % 2 === 0) lock.release();
      else {
        // Dies, as far as others can tell: its lock is one to be taken over.
        const token = process.pid + "_" + turn;
        fs.writeFileSync(state.lock + "-draft" + token, JSON.stringify({ ...ghost, token }));
        const file = ${hasLinks} ? "" : "/" + fs.readdirSync(state.lock)[0];
        fs.renameSync(state.lock + "-draft" + token, state.lock + file);
      }
    }
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

// moxystudio/node-proper-lockfile#11, #74, nodejs/node#122.
test.each([
  ["with hard links", true],
  ["without", false],
])(
  "of processes that want the lock, also a dead one's, never two have it: %s",
  async (_, hasLinks) => {
    using scene = new LockScene();
    const { root } = scene.state;
    const contenders = [1, 2, 3].map(() => contender(root, hasLinks));
    const exits = await Promise.all(contenders.map(async (child) => once(child, "exit")));
    expect(exits.map(([code]) => code)).toEqual([0, 0, 0]);
    expect(fs.readFileSync(join(root, "turns"), "utf8")).toHaveLength(120);
  },
  90_000,
);

test("a lock that somebody has removed by hand is not taken from who has taken it since", async () => {
  using scene = new LockScene();
  const first = await RootLock.take(disk, scene.state, { waitMs: 0 });
  fs.unlinkSync(scene.state.lock);
  using second = await RootLock.take(disk, scene.state, { waitMs: 0 });
  first.release();
  expect(scene.files()).toEqual(["lock"]);
  second.release();
  expect(scene.files()).toEqual([]);
});

test("a lock that could not be written leaves nothing behind", async () => {
  using scene = new LockScene();
  const full = new FaultDisk(disk, ({ name }) =>
    name === "write" ? { kind: "error", code: "ENOSPC" } : { kind: "none" },
  );
  await expect(RootLock.take(full, scene.state, { waitMs: 0 })).rejects.toThrow("ENOSPC");
  expect(scene.files()).toEqual([]);
});

test("a lock is its taker's though the name that it was written under cannot be removed", async () => {
  using scene = new LockScene();
  const stuck = new FaultDisk(disk, ({ name, path }) =>
    name === "unlink" && path?.endsWith(".new") ? { kind: "error", code: "EIO" } : { kind: "none" },
  );
  const lock = await RootLock.take(stuck, scene.state, { waitMs: 0 });
  lock.release();
  expect(scene.files()).not.toContain("lock");
});

test("a lock is given back also when no file can be opened any more", async () => {
  using scene = new LockScene();
  let isExhausted = false;
  const exhausted = new FaultDisk(disk, ({ name }) =>
    isExhausted && (name === "open" || name === "readFile")
      ? { kind: "error", code: "EMFILE" }
      : { kind: "none" },
  );
  const lock = await RootLock.take(exhausted, scene.state, { waitMs: 0 });
  isExhausted = true;
  lock.release();
  expect(scene.files()).toEqual([]);
});

test("a lock whose attributes somebody has changed is given back all the same", async () => {
  using scene = new LockScene();
  const lock = await RootLock.take(disk, scene.state, { waitMs: 0 });
  fs.chmodSync(scene.state.lock, 0o640);
  fs.utimesSync(scene.state.lock, 1, 1);
  lock.release();
  expect(scene.files()).toEqual([]);
});

test("a dead lock that could not be replaced can be replaced later", async () => {
  using scene = new LockScene();
  scene.leave({ ...self, pid: deadPid() });
  let isFailing = true;
  const failing = new FaultDisk(disk, ({ name }) =>
    isFailing && name === "rename" ? { kind: "error", code: "EIO" } : { kind: "none" },
  );
  await expect(RootLock.take(failing, scene.state, { waitMs: 0 })).rejects.toThrow("EIO");
  isFailing = false;
  const lock = await RootLock.take(failing, scene.state, { waitMs: 0 });
  expect(scene.files()).toEqual(["lock"]);
  lock.release();
});

/** Only a file that is locked in the kernel is kept, which takes native calls. */
const keepsFiles = disk.kernelLocks(Number.POSITIVE_INFINITY) !== undefined;

test.runIf(keepsFiles)(
  "a file that is kept is taken again, and goes when it is forgotten",
  async () => {
    using scene = new LockScene();
    const keeping = { waitMs: 0, keepsFile: true };
    const first = await RootLock.take(disk, scene.state, keeping);
    const { ino } = fs.statSync(scene.state.lock);
    const { token } = JSON.parse(fs.readFileSync(scene.state.lock, "utf8")) as { token: string };
    first.release();
    expect(scene.files()).toEqual([`lock.${token}.new`]);
    const second = await RootLock.take(disk, scene.state, keeping);
    expect(fs.statSync(scene.state.lock).ino).toBe(ino);
    await expect(RootLock.take(disk, scene.state, keeping)).rejects.toThrow(/has been committing/);
    second.release();
    RootLock.forget(disk, scene.state);
    expect(scene.files()).toEqual([]);
  },
);

test.runIf(keepsFiles).each([
  ["removed", (path: string) => fs.unlinkSync(path)],
  [
    "replaced",
    (path: string) => {
      fs.writeFileSync(`${path}.other`, "{}");
      fs.renameSync(`${path}.other`, path);
    },
  ],
])("a lock is taken though somebody has %s the file that was kept for it", async (_, change) => {
  using scene = new LockScene();
  const keeping = { waitMs: 0, keepsFile: true };
  (await RootLock.take(disk, scene.state, keeping)).release();
  const [name] = scene.files();
  change(join(dirname(scene.state.lock), name as string));
  const lock = await RootLock.take(disk, scene.state, keeping);
  const { pid } = JSON.parse(fs.readFileSync(scene.state.lock, "utf8")) as { pid: number };
  expect(pid).toBe(process.pid);
  lock.release();
  RootLock.forget(disk, scene.state);
  expect(scene.files()).toEqual([]);
});

test("what processes have kept that were killed goes with the next taking, others' stays", async () => {
  using scene = new LockScene();
  const directory = dirname(scene.state.lock);
  const keep = (name: string, holder: ProcessIdentity) =>
    fs.writeFileSync(join(directory, name), JSON.stringify({ ...holder, token: "kept" }));
  keep("lock.dead.new", { ...self, pid: deadPid() });
  keep("lock.alive.new", self);
  const lock = await RootLock.take(disk, scene.state, { waitMs: 0, keepsFile: true });
  lock.release();
  RootLock.forget(disk, scene.state);
  expect(scene.files()).toEqual(["lock.alive.new"]);
});

test("what says of nobody whose it is goes with the next taking when it is old", async () => {
  using scene = new LockScene();
  const directory = dirname(scene.state.lock);
  const leave = (name: string, content: string, ageMs: number) => {
    fs.writeFileSync(join(directory, name), content);
    const time = (Date.now() - ageMs) / 1000;
    fs.utimesSync(join(directory, name), time, time);
  };
  leave("lock.torn.new", "", 3_600_000);
  leave("lock.zeros.new", "\0".repeat(40), 3_600_000);
  leave("lock.young.new", "", 1000);
  leave("lock.alive.new", JSON.stringify({ ...self, token: "alive" }), 3_600_000);
  leave("lock.strange.new", "{}", 3_600_000);
  using lock = await RootLock.take(disk, scene.state, { keepsFile: true });
  lock.release();
  RootLock.forget(disk, scene.state);
  expect(scene.files().sort()).toEqual(["lock.alive.new", "lock.strange.new", "lock.young.new"]);
});

test.each([
  ["by a link", new NodeDisk(), "link"],
  ["where there are no links", new LinklessDisk(), "rename"],
] as const)(
  "who was stopped while taking it %s begins anew when that was swept",
  async (_how, plain, call) => {
    using scene = new LockScene();
    let attempts = 0;
    const put = plain[call].bind(plain);
    const stopped = Object.assign(plain, {
      [call](source: string, target: string): void {
        if (++attempts === 1) fs.rmSync(source, { recursive: true });
        put(source, target);
      },
    });
    using lock = await RootLock.take(stopped, scene.state, { waitMs: 0 });
    expect({ attempts, files: scene.files() }).toEqual({ attempts: 2, files: ["lock"] });
    lock.release();
    expect(scene.files()).toEqual([]);
  },
);

test("a file that is kept does not hide that the umask takes our rights, nor is a bad one kept", async () => {
  using scene = new LockScene();
  const keeping = { waitMs: 0, keepsFile: true };
  (await RootLock.take(disk, scene.state, keeping)).release();
  const umask = process.umask(0o777);
  try {
    const taking = RootLock.take(disk, scene.state, keeping);
    await expect(taking).rejects.toMatchObject({ code: "DRAFT_STATE_UNUSABLE" });
  } finally {
    process.umask(umask);
  }
  using lock = await RootLock.take(disk, scene.state, keeping);
  expect(fs.statSync(scene.state.lock).mode & 0o600).toBe(0o600);
  lock.release();
  RootLock.forget(disk, scene.state);
  expect(scene.files()).toEqual([]);
});
