import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { type StateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { Draft } from "../../src/drafts/draft.ts";
import { MIB } from "../../src/limits.ts";
import { openLayer } from "../../src/overlay/layer.ts";

class Stopped extends Error {
  readonly code = "EIO";
}

/** A disk on which every effect from a given one on fails: what a killed process leaves behind. */
class StoppingDisk extends NodeDisk {
  effects = 0;
  readonly #last: number;

  constructor(last: number) {
    super();
    this.#last = last;
  }

  #count(): void {
    this.effects += 1;
    if (this.effects > this.#last) throw new Stopped("stopped");
  }

  override open(path: string, flags: number, mode?: number): number {
    this.#count();
    return super.open(path, flags, mode);
  }

  override write(descriptor: number, bytes: Uint8Array, position?: number): void {
    if (this.effects === this.#last) super.write(descriptor, bytes.subarray(0, bytes.length >> 1));
    this.#count();
    super.write(descriptor, bytes, position);
  }

  override rename(source: string, target: string): void {
    this.#count();
    super.rename(source, target);
  }

  override unlink(path: string): void {
    this.#count();
    super.unlink(path);
  }

  override rmdir(path: string): void {
    this.#count();
    super.rmdir(path);
  }

  override async fsync(descriptor: number): Promise<void> {
    this.#count();
    await super.fsync(descriptor);
  }
}

let root: string;
let state: StateDirectory;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-draft-")));
  state = stateDirectoryOf(root);
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

async function withLayer(
  disk: NodeDisk,
  use: (draft: Draft, layer: ReturnType<typeof openLayer>) => unknown,
): Promise<void> {
  const draft = await Draft.open(disk, state, "main");
  const layer = openLayer({ root });
  try {
    draft.restoreInto(layer);
    await use(draft, layer);
  } finally {
    layer.close();
    draft.close();
  }
}

const content = (text: string) => Buffer.alloc(MIB + 1, text);

async function writeGeneration(disk: NodeDisk, text: string): Promise<void> {
  await withLayer(disk, async (draft, layer) => {
    layer.fs.writeFileSync("small.txt", text);
    layer.fs.writeFileSync("large.bin", content(text));
    await draft.save(layer);
  });
}

async function readGeneration(): Promise<string> {
  let text = "";
  await withLayer(new NodeDisk(), (_draft, layer) => {
    text = layer.fs.readFileSync("small.txt", "utf8");
    expect(layer.fs.readFileSync("large.bin").equals(content(text))).toBe(true);
  });
  return text;
}

describe("saving a draft", () => {
  it("leaves the old or the new state whole, wherever it is stopped", async () => {
    let oldStates = 0;
    let newStates = 0;
    for (let last = 0; ; last++) {
      await writeGeneration(new NodeDisk(), "old");
      const disk = new StoppingDisk(last);
      const finished = await writeGeneration(disk, "new").then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(Stopped);
          return false;
        },
      );
      // The lock of a killed process is found dead; here the process lives on, so it is removed.
      fs.rmSync(join(state.drafts, "main", "lock"), { force: true });
      const text = await readGeneration();
      if (text === "old") oldStates += 1;
      else newStates += 1;
      if (finished) break;
    }
    expect(oldStates).toBeGreaterThan(8);
    expect(newStates).toBeGreaterThan(2);
    await writeGeneration(new NodeDisk(), "last");
    const names = fs.readdirSync(join(state.drafts, "main"));
    expect(names.filter((name) => /^(data|file)/.test(name))).toHaveLength(2);
  });
});
