import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { RootLock, sweepClaims } from "../../src/commit/lock/lock.ts";
import type { KernelLocks } from "../../src/disk/disk.ts";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { type StateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import type { CompiledSource } from "../support/compiled-sources.ts";
import { canMountLayers, LayeredRoot } from "../support/layered-root.ts";
import { canMakePidNamespaces, inOwnPidNamespace } from "../support/own-namespace.ts";
import { TemporaryRoot } from "./scenario.ts";

const disk = new NodeDisk();
const hasNative = nativeCalls(Number.POSITIVE_INFINITY)?.lockFile !== undefined;
if (!hasNative)
  console.log("there are no native calls here: tests of the kernel's locks are skipped");

function makeState(root: string): StateDirectory {
  const state = stateDirectoryOf(root);
  fs.mkdirSync(state.path);
  return state;
}

function temporaryState(): StateDirectory {
  const root = TemporaryRoot.inMemory();
  onTestFinished(() => root[Symbol.dispose]());
  return makeState(root.path);
}

function filesOf(state: StateDirectory): string[] {
  return fs.readdirSync(state.path).filter((name) => name.startsWith("lock"));
}

/** Has the lock at a path say that its holder is in another container, in the same file. */
function moveHolder(path: string, change: object = {}): void {
  const holder = JSON.parse(fs.readFileSync(path, "utf8")) as object;
  const elsewhere = { host: "container", pidNamespace: "pid:[1]", ...change };
  fs.writeFileSync(path, `${JSON.stringify({ ...holder, ...elsewhere })}\n`);
}

const attempt = (state: StateDirectory, on = disk): Promise<RootLock> =>
  RootLock.take(on, state, { waitMs: 20 });

describe.runIf(hasNative)("a holder that its process does not tell of", () => {
  it("is alive as long as it has its file locked in the kernel", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    moveHolder(state.lock);
    await expect(attempt(state)).rejects.toMatchObject({
      code: "DRAFT_LOCKED",
      message: expect.stringContaining("alive in another container, says the kernel"),
    });
    held.release();
    expect(filesOf(state)).toEqual([]);
  });

  it("is dead when the kernel has no lock of it, and nothing of it stays", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    const content = fs.readFileSync(state.lock, "utf8");
    // Released, its file is put back as it was: by a second name, so that it is the same file.
    fs.linkSync(state.lock, `${state.path}/kept`);
    held.release();
    fs.renameSync(`${state.path}/kept`, state.lock);
    expect(fs.readFileSync(state.lock, "utf8")).toBe(content);
    moveHolder(state.lock);
    const next = await attempt(state);
    expect(filesOf(state)).toEqual(["lock"]);
    next.release();
    expect(filesOf(state)).toEqual([]);
  });

  it("counts as alive where the file is another one than it has locked", async () => {
    const state = temporaryState();
    using _held = await attempt(state);
    fs.copyFileSync(state.lock, `${state.path}/copy`);
    fs.renameSync(`${state.path}/copy`, state.lock);
    moveHolder(state.lock);
    await expect(attempt(state)).rejects.toMatchObject({
      message: expect.stringMatching(/another one to the kernel here.*remove .*lock\.$/),
    });
  });

  it("counts as alive where the kernel cannot be asked from here", async () => {
    const state = temporaryState();
    using _held = await attempt(state);
    moveHolder(state.lock);
    const deaf = new (class extends NodeDisk {
      override kernelLocks(): undefined {
        return undefined;
      }
    })();
    await expect(attempt(state, deaf)).rejects.toMatchObject({
      message: expect.stringMatching(/could not be asked for from here.*remove .*lock\.$/),
    });
  });

  it("counts as alive where it does not say that it keeps a lock in the kernel", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    fs.linkSync(state.lock, `${state.path}/kept`);
    held.release();
    fs.renameSync(`${state.path}/kept`, state.lock);
    moveHolder(state.lock, { kernelLock: undefined });
    await expect(attempt(state)).rejects.toMatchObject({
      message: expect.stringMatching(/keeps no lock in the kernel.*remove .*lock\.$/),
    });
  });

  it("counts as alive on another machine, whatever the kernel says", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    fs.linkSync(state.lock, `${state.path}/kept`);
    held.release();
    fs.renameSync(`${state.path}/kept`, state.lock);
    moveHolder(state.lock, { bootId: "another" });
    await expect(attempt(state)).rejects.toMatchObject({
      message: expect.stringMatching(/another machine.*remove .*lock\.$/),
    });
  });

  it("leaves no claim either, once the kernel has no lock of it", async () => {
    const state = temporaryState();
    const claim = `${state.lock}.abc.new`;
    const held = await attempt(state);
    fs.linkSync(state.lock, claim);
    moveHolder(claim, { token: "abc" });
    sweepClaims(disk, state.path, false);
    expect(filesOf(state)).toContain("lock.abc.new");
    fs.unlinkSync(state.lock);
    held.release();
    sweepClaims(disk, state.path, false);
    expect(filesOf(state)).toEqual([]);
  });

  it("is dead in a process that lives, where the thread has ended that had it", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    const claim = `${state.lock}.abc.new`;
    for (const name of [claim, `${state.path}/kept`]) fs.linkSync(state.lock, name);
    sweepClaims(disk, state.path, false);
    expect(filesOf(state)).toContain("lock.abc.new");
    await expect(attempt(state)).rejects.toMatchObject({ code: "DRAFT_LOCKED" });
    held.release();
    fs.renameSync(`${state.path}/kept`, state.lock);
    const next = await attempt(state);
    sweepClaims(disk, state.path, false);
    expect(filesOf(state)).toEqual(["lock"]);
    next.release();
  });

  it("needs nothing loaded while a file lies there that says nothing of its holder", async () => {
    const state = temporaryState();
    const seen: string[][] = [];
    const watched = new (class extends NodeDisk {
      override kernelLocks(savingUs: number): KernelLocks | undefined {
        seen.push(filesOf(state));
        return super.kernelLocks(savingUs);
      }
    })();
    const held = await attempt(state, watched);
    held.release();
    expect(seen).toEqual([[]]);
  });

  it("is asked of by several at a time, and none takes another one for it", async () => {
    const state = temporaryState();
    const held = await attempt(state);
    fs.linkSync(state.lock, `${state.path}/kept`);
    held.release();
    fs.renameSync(`${state.path}/kept`, state.lock);
    moveHolder(state.lock);
    const descriptor = fs.openSync(state.lock, "r");
    expect(nativeCalls(0)?.lockFile?.(descriptor, "shared")).toBe("locked");
    const next = await attempt(state);
    next.release();
    fs.closeSync(descriptor);
  });
});

describe.runIf(hasNative)("a lock in the kernel", () => {
  const descriptors = (): number => fs.readdirSync("/proc/self/fd").length;

  it("costs no descriptor once it is given back, or could not be had", async () => {
    const state = temporaryState();
    const before = descriptors();
    const held = await attempt(state);
    expect(descriptors()).toBe(before + 1);
    await expect(attempt(state)).rejects.toMatchObject({ code: "DRAFT_LOCKED" });
    expect(descriptors()).toBe(before + 1);
    held.release();
    expect(descriptors()).toBe(before);
  });

  it("is there before the file has its name, and goes after the name", async () => {
    const state = temporaryState();
    const seen: string[] = [];
    const look = (path: string): void => {
      const descriptor = fs.openSync(path, "r");
      seen.push(nativeCalls(0)?.lockFile?.(descriptor, "shared") ?? "");
      fs.closeSync(descriptor);
    };
    const watched = new (class extends NodeDisk {
      override link(source: string, target: string): void {
        look(source);
        super.link(source, target);
      }
      override unlink(path: string): void {
        if (path === state.lock) look(path);
        super.unlink(path);
      }
    })();
    (await attempt(state, watched)).release();
    expect(seen).toEqual(["held", "held"]);
  });
});

interface Victim {
  /** A process that it has started. */
  readonly childPid: number;
  kill(): Promise<void>;
}

/** A process that has taken the lock of a root. */
async function startVictim(root: string, prefix: readonly string[], native = "1"): Promise<Victim> {
  const source = (path: CompiledSource): string => JSON.stringify(project.pathOf(path));
  const program = `
    import { spawn } from "node:child_process";
    const { RootLock } = await import(${source("src/commit/lock/lock.ts")});
    const { NodeDisk } = await import(${source("src/disk/node/node-disk.ts")});
    const { stateDirectoryOf } = await import(${source("src/disk/state/state-directory.ts")});
    const state = stateDirectoryOf(${JSON.stringify(root)});
    const lock = await RootLock.take(new NodeDisk(), state, { waitMs: 0 });
    const child = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
    process.stdout.write(String(child.pid));
    setInterval(() => lock.isUsable, 1000);
  `;
  const [command = "", ...words] = [...prefix, process.execPath];
  const victim = spawn(command, [...words, "--input-type=module", "-e", program], {
    env: { ...process.env, DRAFTFS_NATIVE: native },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    victim.kill("SIGKILL");
  });
  const [output] = (await once(victim.stdout, "data")) as [Buffer];
  return {
    childPid: Number(output.toString()),
    async kill() {
      const gone = once(victim, "exit");
      victim.kill("SIGKILL");
      await gone;
    },
  };
}

let project: CompiledProject;
beforeAll(() => {
  project = CompiledProject.build();
}, 120_000);

it.runIf(hasNative)("is not handed on to the children of its holder", async () => {
  const state = temporaryState();
  const victim = await startVictim(state.root, []);
  onTestFinished(() => {
    process.kill(victim.childPid);
  });
  await victim.kill();
  moveHolder(state.lock);
  (await attempt(state)).release();
  // It has outlived its parent all the time.
  expect(process.kill(victim.childPid, 0)).toBe(true);
});

describe.runIf(hasNative && canMakePidNamespaces())("a holder in another pid namespace", () => {
  /** Until what the killed process had in its namespace has ended too. */
  const settled = (state: StateDirectory): Promise<RootLock> =>
    RootLock.take(disk, state, { waitMs: 10_000 });

  it("is never robbed, and replaced when it is killed", async () => {
    const state = temporaryState();
    const holder = await startVictim(state.root, inOwnPidNamespace);
    await expect(attempt(state)).rejects.toMatchObject({ code: "DRAFT_LOCKED" });
    await holder.kill();
    (await settled(state)).release();
    expect(filesOf(state)).toEqual([]);
  });

  it("is left to a person where it has no native calls", async () => {
    const state = temporaryState();
    const holder = await startVictim(state.root, inOwnPidNamespace, "0");
    await holder.kill();
    await expect(attempt(state)).rejects.toMatchObject({
      code: "DRAFT_LOCKED",
      message: expect.stringMatching(/another container.*keeps no lock in the kernel/),
    });
    expect(filesOf(state)).toEqual(["lock"]);
  });

  it.runIf(canMountLayers()).each([false, true])(
    "is judged on an overlayfs, and not by its upper directory (layers apart: %s)",
    async (isApart) => {
      const layered = new LayeredRoot(() => undefined, { isApart });
      onTestFinished(() => layered[Symbol.dispose]());
      const state = makeState(layered.path);
      const holder = await startVictim(layered.path, inOwnPidNamespace);
      await expect(attempt(state)).rejects.toMatchObject({ code: "DRAFT_LOCKED" });
      const below = stateDirectoryOf(join(dirname(layered.path), "upper"));
      await expect(attempt(below)).rejects.toMatchObject({
        message: expect.stringContaining("another one to the kernel here"),
      });
      await holder.kill();
      (await settled(state)).release();
      expect(filesOf(state)).toEqual([]);
    },
  );
});
