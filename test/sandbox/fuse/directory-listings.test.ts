import { describe, expect, it } from "vitest";
import type { FuseBackend } from "../../../src/sandbox/fuse/backend.ts";
import { FuseOperations } from "../../../src/sandbox/fuse/operations.ts";
import {
  directoryEntryBytes,
  opcodes,
  type Request,
  rootNodeId,
} from "../../../src/sandbox/fuse/protocol.ts";

/** A served directory, of which every reply holds a few names. */
class Served {
  names: string[];
  /** What the kernel was told beside replies. */
  readonly messages: Buffer[] = [];
  sign = "1";
  readonly #operations: FuseOperations;

  constructor(names: readonly string[], { opensDirectoriesAlone = true } = {}) {
    this.names = [...names];
    const attributes = { mode: 0o040755, mtimeNs: 0n, ctimeNs: 0n, atimeNs: 0n, ino: 1n };
    const rest = { size: 0n, blocks: 0n, nlink: 2, uid: 0, gid: 0, rdev: 0 };
    const backend: Partial<FuseBackend> = {
      generation: () => Number.NaN,
      stat: () => ({ ...attributes, ...rest }),
      list: () => this.names.map((name) => ({ name, mode: 0o100644, ino: 1n })),
      lowerDirectory: () => ({
        place: "",
        ino: 1n,
        sign: { text: this.sign, changedNs: 0n },
        stampOf: () => undefined,
      }),
    };
    this.#operations = new FuseOperations(backend as FuseBackend, {
      opensDirectoriesAlone,
      notify: (message) => this.messages.push(message),
      forget: () => {},
    });
  }

  answer(opcode: number, body: Buffer = Buffer.alloc(24)): Buffer {
    const request: Request = {
      ...{ opcode, body, unique: 1n, nodeId: rootNodeId, uid: 0, gid: 0, pid: 1 },
    };
    return this.#operations.answer(request) as Buffer;
  }

  /** The next names behind an offset: as many as there is room for, and where each of them ends. */
  read(offset: bigint, count = 3): { readonly name: string; readonly offset: bigint }[] {
    const body = Buffer.alloc(24);
    body.writeBigUInt64LE(offset, 8);
    body.writeUInt32LE(count * directoryEntryBytes(8), 16);
    const reply = this.answer(opcodes.readdir, body);
    const found = [];
    for (let at = 0; at < reply.length; ) {
      const bytes = reply.readUInt32LE(at + 16);
      const name = reply.toString("utf8", at + 24, at + 24 + bytes);
      found.push({ name, offset: reply.readBigUInt64LE(at + 8) });
      at += directoryEntryBytes(bytes);
    }
    return found;
  }

  /** All names from the beginning; `between` is called after every reply. */
  list(between: (read: readonly string[]) => void = () => {}): string[] {
    const read: string[] = [];
    for (let offset = 0n; ; ) {
      const next = this.read(offset);
      if (next.length === 0) return read.filter((name) => !name.startsWith("."));
      for (const entry of next) {
        read.push(entry.name);
        offset = entry.offset;
      }
      between(read);
    }
  }
}

const names = Array.from({ length: 20 }, (_, index) => `name${index + 10}`);

describe("listings of served directories", () => {
  it("tell every name once, in several replies", () => {
    expect(new Served(names).list()).toEqual(names);
  });

  it("can be read while what was read is removed, and by others meanwhile", () => {
    const served = new Served(names);
    const read = served.list((before) => {
      served.names = served.names.filter((name) => !before.includes(name));
      expect(served.list()).toEqual(served.names);
    });
    expect(read).toEqual(names);
  });

  it("keep the places of what stays while others come, by whoever goes on reading", () => {
    const served = new Served(names);
    const begun = served.read(0n, 8);
    served.names = ["aaaa", ...names.filter((_, index) => index % 2 === 0), "zzzz"];
    served.list();
    const rest: string[] = [];
    for (let offset = begun.at(-1)?.offset ?? 0n; ; ) {
      const next = served.read(offset);
      if (next.length === 0) break;
      rest.push(...next.map(({ name }) => name));
      offset = next.at(-1)?.offset ?? 0n;
    }
    const told = begun.map(({ name }) => name);
    const expected = served.names.filter((name) => names.includes(name) && !told.includes(name));
    expect(rest).toEqual([...expected, "aaaa", "zzzz"]);
  });

  it("are said to hold no more, once, when the lower has changed", () => {
    const served = new Served(names);
    const ask = () => {
      served.answer(opcodes.getattr);
      return served.messages.splice(0).map((message) => message.readBigUInt64LE(16));
    };
    served.sign = "2";
    expect(ask()).toEqual([]);
    served.list();
    expect(ask()).toEqual([]);
    served.sign = "3";
    expect(ask()).toEqual([rootNodeId]);
    expect(ask()).toEqual([]);
  });

  it("need no opening where the kernel can do without", () => {
    const open = (served: Served) => () => served.answer(opcodes.opendir);
    expect(open(new Served(names))).toThrow(expect.objectContaining({ errno: -38 }));
    expect(open(new Served(names, { opensDirectoriesAlone: false }))).not.toThrow();
  });
});
