import { beforeEach, describe, expect, it, vi } from "vitest";
import { nativeCalls } from "../../../src/disk/native/native-calls.ts";
import type { FuseBackend, LowerDirectory, LowerStamp } from "../../../src/sandbox/fuse/backend.ts";
import { LowerChanges } from "../../../src/sandbox/fuse/lower-changes.ts";
import { type FuseNode, NodeTable } from "../../../src/sandbox/fuse/node-table.ts";
import {
  type Attributes,
  directoryType,
  encodeEntryInvalidation,
  encodeInvalidation,
  regularFileType,
} from "../../../src/sandbox/fuse/protocol.ts";
import { treeOf } from "../sandbox-fixture.ts";

/** A directory on the disk of which the kernel knows what is told, and what it was made to forget. */
class Below {
  readonly nodes = new NodeTable(() => {});
  readonly forgotten: Buffer[] = [];
  readonly stamps = new Map<string, LowerStamp | "own">();
  /** Names that were looked at. */
  readonly looked: string[] = [];
  sign = "1";
  place = "/missing";
  readonly changes: LowerChanges;

  constructor() {
    const backend: Partial<FuseBackend> = {
      isPending: (path) => this.stamps.get(path) === "own",
    };
    this.changes = new LowerChanges(backend as FuseBackend, this.nodes, (messages) =>
      this.forgotten.push(...messages),
    );
    this.nodes.onTold = (node, attributes) => this.changes.noteTold(node, attributes);
  }

  tell(name: string, type = regularFileType): FuseNode {
    const ino = BigInt(this.stamps.size + 10);
    this.stamps.set(name, { ino, type, changedNs: 1n });
    return this.nodes.reference(this.nodes.root, name, attributesOf({ ino, type, changedNs: 1n }));
  }

  change(name: string, change: Partial<LowerStamp>): void {
    this.stamps.set(name, { ...(this.stamps.get(name) as LowerStamp), ...change });
  }

  /** A look after so long that it is not too soon for another one. */
  look(): void {
    vi.advanceTimersByTime(1000);
    this.looked.length = 0;
    this.forgotten.length = 0;
    const lower: LowerDirectory = {
      place: this.place,
      ino: 1n,
      sign: { text: this.sign, changedNs: 1n },
      stampOf: (name) => {
        this.looked.push(name);
        return this.stamps.get(name);
      },
    };
    this.changes.look(this.nodes.root, () => lower);
  }
}

function attributesOf({ ino, type, changedNs }: LowerStamp): Attributes {
  const times = { atimeNs: 1n, mtimeNs: 1n, ctimeNs: changedNs };
  return { ino, mode: type, ...times, size: 0n, blocks: 0n, nlink: 1, uid: 0, gid: 0, rdev: 0 };
}

const rootId = 1n;
const entry = (name: string): Buffer => encodeEntryInvalidation(rootId, Buffer.from(name));

describe("what the kernel is made to forget of the disk", () => {
  let below: Below;

  beforeEach((context) => {
    vi.useFakeTimers({ toFake: ["performance", "Date"] });
    context.onTestFinished(() => {
      vi.useRealTimers();
    });
    below = new Below();
  });

  it("is nothing as long as nothing changes", () => {
    below.tell("a");
    below.tell("d", directoryType);
    below.look();
    below.look();
    expect(below.forgotten).toEqual([]);
  });

  it("is the content of a file that was written, once", () => {
    const node = below.tell("a");
    below.tell("b");
    below.look();
    below.change("a", { changedNs: 2n });
    below.look();
    expect(below.forgotten).toEqual([encodeInvalidation(node.id)]);
    below.look();
    expect(below.forgotten).toEqual([]);
  });

  it("is the name of what was replaced, is gone or has come", () => {
    for (const name of ["a", "b", "c"]) below.tell(name);
    below.tell("d", directoryType);
    expect(below.changes.noteAbsent(below.nodes.root, "e")).toBe(true);
    below.look();
    below.sign = "2";
    below.change("a", { ino: 100n });
    below.stamps.delete("b");
    below.change("d", { ino: 101n });
    below.change("e", { ino: 102n, type: regularFileType, changedNs: 2n });
    below.look();
    expect(below.forgotten).toEqual([entry("a"), entry("b"), entry("d"), entry("e")]);
  });

  it("is the content that it has of a time before the attributes that it is told", () => {
    const node = below.tell("a");
    below.change("a", { changedNs: 2n });
    below.changes.noteTold(node, attributesOf(below.stamps.get("a") as LowerStamp));
    expect(below.forgotten).toEqual([encodeInvalidation(node.id)]);
  });

  it("is nothing that is written through the mount", () => {
    const node = below.tell("a");
    below.look();
    below.stamps.set("a", "own");
    below.changes.noteTold(node, attributesOf({ ino: node.ino, type: node.type, changedNs: 9n }));
    below.sign = "2";
    below.look();
    expect(below.forgotten).toEqual([]);
  });

  it("is nothing of what it asks for every time", () => {
    const stamp = { ino: 9n, type: directoryType, changedNs: 1n };
    const attributes = { ...attributesOf(stamp), isVolatile: true };
    below.nodes.reference(below.nodes.root, "upper", attributes);
    below.look();
    expect(below.forgotten).toEqual([]);
  });

  it("is what was changed in the same tick of the clock, too", () => {
    const changedNs = BigInt(Date.now()) * 1_000_000n;
    const stamp = { ino: 9n, type: regularFileType, changedNs };
    below.stamps.set("a", stamp);
    const node = below.nodes.reference(below.nodes.root, "a", attributesOf(stamp));
    // Told again, it is not known whether it is the same any more.
    below.changes.noteTold(node, attributesOf(stamp));
    below.look();
    expect(below.forgotten).toEqual([encodeInvalidation(node.id)]);
    below.look();
    expect(below.forgotten).toEqual([]);
  });

  it("is looked for once a second at most", () => {
    below.tell("a");
    below.look();
    below.change("a", { changedNs: 2n });
    const find = vi.fn(() => undefined);
    below.changes.look(below.nodes.root, find);
    expect(find).not.toHaveBeenCalled();
  });

  it.runIf(nativeCalls(Number.POSITIVE_INFINITY)?.inotify !== undefined)(
    "costs no look at files of a directory that is watched",
    () => {
      below.place = treeOf({ a: "a\n", b: "b\n" });
      below.tell("a");
      below.tell("b");
      below.look();
      expect(below.looked).toEqual(["a", "b"]);
      below.look();
      expect(below.looked).toEqual([]);
    },
  );
});
