import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { PackBuilder, type PackSummary } from "../../src/objects/pack-builder.ts";

/** A store in a scratch directory, and the real git to judge it. */
export class StoreFixture {
  readonly disk = new NodeDisk();
  readonly directory = mkdtempSync(join(tmpdir(), "draftfs-objects-"));
  readonly path = join(this.directory, "checkpoints.git");
  readonly store = new ObjectStore(this.disk, this.path);
  #packs = 0;

  /** Builds a pack and returns its path, its summary and what `fill` returned. */
  build<T>(fill: (pack: PackBuilder) => T): { path: string; summary: PackSummary; result: T } {
    this.#packs += 1;
    const path = join(this.directory, `${this.#packs}.pack`);
    const descriptor = this.disk.open(path, openFlags.createNew, 0o444);
    try {
      const pack = new PackBuilder(this.disk, { descriptor });
      const result = fill(pack);
      return { path, summary: pack.finish(), result };
    } finally {
      this.disk.close(descriptor);
    }
  }

  /** Builds a pack and takes it into the store. */
  install<T>(fill: (pack: PackBuilder) => T): T {
    const { path, summary, result } = this.build(fill);
    this.store.installPack(path, summary);
    return result;
  }

  /** Runs git on the store; throws with its messages when it fails. */
  git(...args: readonly string[]): string {
    return this.gitBytes(...args).toString("utf8");
  }

  gitBytes(...args: readonly string[]): Buffer {
    return runGit(["--git-dir", this.path, ...args]);
  }

  /** Turns a pack into loose objects. */
  unpack(pack: Buffer): void {
    runGit(["--git-dir", this.path, "unpack-objects", "-q"], pack);
  }

  dispose(): void {
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs git as on a machine without any configuration. */
export function runGit(args: readonly string[], input?: Buffer): Buffer {
  return execFileSync("git", ["-c", "safe.directory=*", ...args], {
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    ...(input === undefined ? {} : { input }),
  });
}

/** Compares without vitest's own walk over every byte, which takes seconds for a megabyte. */
export function expectBytes(actual: Buffer, expected: Buffer): void {
  expect({ size: actual.length, isSame: actual.equals(expected) }).toEqual({
    size: expected.length,
    isSame: true,
  });
}

/** Bytes that look random and are the same in every run. */
export function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
