import { constants } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLayer } from "../../../src/overlay/layer.ts";
import { denyReading } from "../../../src/sandbox/fuse/deny-reading.ts";
import { fsBackend } from "../../../src/sandbox/fuse/fs-backend.ts";
import type { FactsJson } from "../../../src/sandbox/fuse/served-facts.ts";
import {
  decodeLook,
  handedBytesMax,
  lookBytesMax,
} from "../../../src/sandbox/fuse/served-nodes.ts";
import { UpperView } from "../../../src/sandbox/fuse/upper-view.ts";
import type { ToldNode } from "../../../src/sandbox/harvest/harvest-source.ts";
import { treeOf } from "../sandbox-fixture.ts";

describe("the upper of a served tree", () => {
  it("gives a file another number with every single write, so that no cache shows old bytes", () => {
    const root = treeOf({});
    const layer = openLayer({ root });
    const upper = new UpperView(layer, fsBackend(layer.fs, root));
    const flags = constants.O_RDWR | constants.O_CREAT;
    const descriptor = layer.fs.openSync(join(root, "a"), flags);
    const numbers = new Set<bigint>();
    for (let round = 0; round < 8; round++) {
      layer.fs.writeSync(descriptor, Buffer.from("b"), 0, 1, 0);
      numbers.add(upper.stat("a").ino);
    }
    layer.fs.closeSync(descriptor);
    layer.close();
    expect(numbers.size).toBe(8);
    expect(numbers).not.toContain(0n);
  });

  it("is told of what was touched alone, however much it holds", () => {
    const root = treeOf({});
    const layer = openLayer({ root });
    const upper = new UpperView(layer, fsBackend(layer.fs, root));
    layer.fs.mkdirSync(join(root, "m"));
    for (let index = 0; index < 1000; index++) layer.fs.writeFileSync(join(root, `m/${index}`), "");
    const all = upper.facts(-1);
    expect(new Map(all.names).get("m")).toHaveLength(1000);
    layer.fs.appendFileSync(join(root, "m/7"), "x");
    const facts = upper.facts(all.generation);
    const { generation } = layer;
    layer.close();
    const nothing = { names: [], redirects: [], origins: [], foreign: [] };
    expect(facts).toEqual({ ...nothing, generation, newer: ["m/7"] });
  });

  it("is told with the attributes of nodes, and the bytes of small files that may be read", () => {
    const root = treeOf({ gone: "gone", kept: "kept" });
    const layer = openLayer({ root });
    const served = fsBackend(layer.fs, root);
    const isDenied = (path: string): boolean => path === "secret";
    const readable = denyReading(served, { isDenied, isOwner: () => true });
    const upper = new UpperView(layer, served, { readable });
    const before = layer.generation;
    const small = Buffer.from([0, 10, 255]);
    const files = { small, secret: small, large: Buffer.alloc(handedBytesMax + 1), empty: "" };
    for (const [name, bytes] of Object.entries(files)) {
      layer.fs.writeFileSync(join(root, name), bytes);
    }
    layer.fs.symlinkSync("small", join(root, "link"));
    layer.fs.unlinkSync(join(root, "gone"));
    const { text, nodes } = decodeLook(upper.look({ facts: -1, nodes: before }), undefined);
    const paths = (JSON.parse(text) as FactsJson).nodes;
    const told = new Map(paths.map((path) => [path, nodes.next().value as ToldNode]));
    expect(nodes.next().done).toBe(true);
    expect([...told.keys()].sort()).toEqual(
      ["", "empty", "gone", "large", "link", "secret", "small"].sort(),
    );
    for (const [path, { stats }] of told) {
      const { mode, nlink, uid, gid, rdev, blocks, ...same } = upper.stat(path);
      const numbers = Object.entries({ mode, nlink, uid, gid, rdev });
      expect(stats).toMatchObject({
        ...same,
        ...Object.fromEntries(numbers.map(([name, value]) => [name, BigInt(value)])),
      });
    }
    const bytesOf = (path: string): Buffer | undefined => told.get(path)?.bytes;
    expect(bytesOf("small")).toEqual(small);
    expect(bytesOf("empty")).toEqual(Buffer.alloc(0));
    expect(["secret", "large", "link", "gone"].map(bytesOf)).toEqual(Array(4).fill(undefined));
    layer.close();
  });

  it("hands over no more bytes in one look than a process may well hold in memory", () => {
    const root = treeOf({});
    const layer = openLayer({ root });
    const upper = new UpperView(layer, fsBackend(layer.fs, root));
    const count = lookBytesMax / handedBytesMax + 3;
    const bytes = Buffer.alloc(handedBytesMax);
    for (let index = 0; index < count; index++) {
      layer.fs.writeFileSync(join(root, `${index}`), bytes);
    }
    const message = upper.look({ facts: -1, nodes: -1 });
    layer.close();
    const nodes = [...decodeLook(message, undefined).nodes];
    expect(nodes.filter((node) => node.bytes === undefined)).toHaveLength(1 + 3);
  });
});
