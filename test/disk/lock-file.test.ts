import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HeldLock, type LockHolder, takeLock } from "../../src/disk/lock-file.ts";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { ownIdentity, type ProcessIdentity } from "../../src/disk/process-identity.ts";

let directory: string;
let path: string;
const disk = new NodeDisk();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-lock-"));
  path = join(directory, "lock");
});

afterEach(() => rmSync(directory, { recursive: true }));

function held(lock: HeldLock | LockHolder): HeldLock {
  if (!("release" in lock)) throw new Error(`not held: ${JSON.stringify(lock.identity)}`);
  return lock;
}

function writeHolder(changes: Partial<ProcessIdentity>): void {
  writeFileSync(path, JSON.stringify({ ...ownIdentity(), ...changes }));
}

/** A pid that was in use and is not any more. */
function endedPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

describe("a lock file", () => {
  it("is had by one at a time, and by the next when it is released", () => {
    const first = held(takeLock(disk, path));
    expect(takeLock(disk, path)).toEqual({ identity: ownIdentity() });
    first.release();
    held(takeLock(disk, path)).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is taken from a process that has ended", () => {
    writeHolder({ pid: endedPid() });
    held(takeLock(disk, path)).release();
  });

  it("is taken from a process of an earlier boot, and from one whose pid another has now", () => {
    writeHolder({ boot: "another boot" });
    held(takeLock(disk, path)).release();
    writeHolder({ start: "1" });
    held(takeLock(disk, path)).release();
  });

  it("is never taken from a process that cannot be looked at: another host or container", () => {
    writeHolder({ pid: endedPid(), host: "elsewhere" });
    expect(takeLock(disk, path)).toHaveProperty("identity.host", "elsewhere");
    writeHolder({ pid: endedPid(), namespace: "pid:[1]" });
    expect(takeLock(disk, path)).toHaveProperty("identity.namespace", "pid:[1]");
  });

  it("is never taken when its file is not what we write", () => {
    writeFileSync(path, "somebody else's");
    expect(takeLock(disk, path)).toEqual({ identity: undefined });
    expect(readFileSync(path, "utf8")).toBe("somebody else's");
  });

  it("goes to one of two processes that find the same dead holder", () => {
    writeHolder({ pid: endedPid() });
    let winner: HeldLock | undefined;
    class InterruptedDisk extends NodeDisk {
      override rename(source: string, target: string): void {
        // The other one does the whole of it between our look at the holder and our rename.
        winner ??= held(takeLock(disk, path));
        super.rename(source, target);
      }
    }
    expect(takeLock(new InterruptedDisk(), path)).toEqual({ identity: ownIdentity() });
    expect(winner?.isHeld()).toBe(true);
    winner?.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is known to be lost by its holder when somebody removed it", () => {
    const lock = held(takeLock(disk, path));
    rmSync(path);
    expect(lock.isHeld()).toBe(false);
    const next = held(takeLock(disk, path));
    lock.release();
    expect(next.isHeld()).toBe(true);
    next.release();
  });
});
