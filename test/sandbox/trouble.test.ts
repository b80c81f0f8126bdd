import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { MirrorNode } from "../../src/sandbox/harvest/mirror.ts";
import { PinnedTree } from "../../src/sandbox/harvest/pinned-tree.ts";
import { Namespace } from "../../src/sandbox/namespace/namespace.ts";
import { planNamespace } from "../../src/sandbox/namespace/namespace-plan.ts";
import { isRoot, kernelEngines, openOver, treeOf } from "./sandbox-fixture.ts";

// What an earlier file of this process has loaded knows nothing of the mock.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

describe.each(kernelEngines)("over engine %s", (engine) => {
  it("survives that what is written meanwhile does not fit, and goes on when it is gone", async () => {
    const root = treeOf({ a: "a\n" });
    const { layer, session, sh } = await openOver(root, { engine, uncommittedBytesMax: 1 << 20 });
    const running = await session.spawn("cat", [], { stdio: ["pipe", "ignore", "ignore"] });
    layer.fs.writeFileSync(join(root, "large"), Buffer.alloc(4 << 20, "x"));
    // Longer than what is pending is brought to a command.
    await sleep(100);
    running.child.stdin?.end();
    await expect(running.result).rejects.toMatchObject({
      code: "DRAFT_SANDBOX_FAILED",
      message: expect.stringContaining("memory for uncommitted writes"),
    });
    layer.fs.rmSync(join(root, "large"));
    expect(await sh("ls; echo b > b")).toBe("a\n");
    expect(layer.fs.readdirSync(root)).toEqual(["a", "b"]);
  });

  it("does not wait for the reader of a fifo that a command put in the place of a file", async () => {
    const root = treeOf({ a: "a\n" });
    const { layer, session, sh } = await openOver(root, { engine });
    // A fifo that looked like a file a moment ago: the swap cannot be timed.
    const regular = PinnedTree.prototype.lstat;
    const spy = vi.spyOn(PinnedTree.prototype, "lstat").mockImplementation(function (
      this: InstanceType<typeof PinnedTree>,
      path,
    ) {
      const stats = regular.call(this, path);
      if (path === "a" && stats !== undefined) stats.isFile = () => true;
      return stats;
    });
    try {
      const running = await session.spawn("sh", ["-c", "rm a; mkfifo a; echo; cat >/dev/null"], {
        stdio: ["pipe", "pipe", "ignore"],
      });
      await new Promise((resolve) => running.child.stdout?.once("data", resolve));
      layer.fs.writeFileSync(join(root, "a"), "again\n");
      session.push();
      running.child.stdin?.end();
      spy.mockRestore();
      await running.result;
    } finally {
      spy.mockRestore();
    }
    expect(await sh("cat a")).toBe("again\n");
  });

  it("shows what was rolled back to the next command, whoever noticed it first", async () => {
    const root = treeOf({ a: "real\n" });
    const { layer, session, sh } = await openOver(root, { engine });
    const point = layer.savepoint();
    layer.fs.writeFileSync(join(root, "a"), "pending\n");
    expect(await sh("cat a")).toBe("pending\n");
    layer.rollback(point);
    session.push();
    session.push();
    expect(await sh("cat a")).toBe("real\n");
    expect(layer.fs.readFileSync(join(root, "a"), "utf8")).toBe("real\n");
  });

  it("keeps no descriptor of a start that failed", async () => {
    const root = treeOf({ a: "a\n" });
    const plan = planNamespace({ root, privileged: engine === "overlay" });
    // The rest of the disk is read-only by then.
    const kept = new Map([["/etc/draftfs-none/such", "text"]]);
    // Directories: the pipes of the supervisor are closed when Node hears of its end.
    const descriptors = () =>
      readdirSync("/proc/self/fd").filter((name) =>
        statSync(`/proc/self/fd/${name}`, { throwIfNoEntry: false })?.isDirectory(),
      ).length;
    const before = descriptors();
    await expect(Namespace.start({ ...plan, kept })).rejects.toThrow();
    expect(descriptors()).toBe(before);
  });
});

/** The server of this process, by its number. */
function serverOf(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").split(" ");
  const server = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("server-main"),
  );
  return Number(server);
}

describe.runIf(existsSync("/dev/fuse") && isRoot)("over engine fuse", () => {
  it("says that the sandbox has ended when its server was killed, and starts another", async () => {
    const root = treeOf({ a: "a\n" });
    const { layer, session, sh } = await openOver(root, { engine: "fuse" });
    const running = await session.spawn("sleep", ["60"], { stdio: "ignore" });
    layer.fs.writeFileSync(join(root, "b"), "b\n");
    process.kill(serverOf(), "SIGKILL");
    await expect(running.result).rejects.toMatchObject({ code: "DRAFT_SANDBOX_FAILED" });
    expect(await sh("cat a b; echo c > c")).toBe("a\nb\n");
    expect(layer.fs.readFileSync(join(root, "c"), "utf8")).toBe("c\n");
  });

  it("bounds what is written as the kernel's overlay does, and says so", async () => {
    const root = treeOf({ a: "a\n" });
    const options = { engine: "fuse", uncommittedBytesMax: 1 << 20 } as const;
    const { layer, session, sh } = await openOver(root, options);
    expect(await sh("head -c 3000000 /dev/zero > large; df -k --output=size .")).toMatch(
      /No space left on device[\s\S]*\b1024\n/,
    );
    expect(layer.fs.statSync(join(root, "large")).size).toBeLessThan((1 << 20) + 1);
    const { warnings } = await session.run("true", [], { stdio: "ignore" });
    expect(warnings.join()).toMatch(/ENOSPC/);
    // What was removed makes room again.
    expect(await sh("rm large; head -c 900000 /dev/zero > fits; stat -c %s fits")).toBe("900000\n");
  });

  it("says so to a harvest too", async () => {
    const root = treeOf({ a: "a\n" });
    const { session, sh } = await openOver(root, { engine: "fuse" });
    expect(await sh("cat a")).toBe("a\n");
    // Otherwise there would be nothing to look for.
    await session.spawn("sleep", ["60"], { stdio: "ignore" });
    const server = serverOf();
    process.kill(server, "SIGKILL");
    while (readFileSync(`/proc/${server}/stat`, "latin1").split(" ")[2] !== "Z") {
      // Node has not yet been told.
    }
    await expect(session.harvest()).rejects.toMatchObject({ code: "DRAFT_SANDBOX_FAILED" });
    expect(await sh("cat a")).toBe("a\n");
  });
});

describe("a copy", () => {
  it("is removed though a command took the rights to its directories away", async () => {
    const root = treeOf({ a: "a\n" });
    const { session } = await openOver(root, { engine: "clone" });
    const script = "pwd; mkdir -p d/e; touch d/e/f; chmod 000 d/e; chmod 555 d";
    const running = await session.spawn("sh", ["-c", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const place = await new Promise<string>((resolve) =>
      running.child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    await running.result;
    expect(existsSync(place)).toBe(true);
    // On the file system of the tree, which may share blocks with it, where no overlay shows it.
    expect(place.startsWith(join(root, ".draftfs/clones/"))).toBe(true);
    await session.close();
    expect(existsSync(place)).toBe(false);
  });
});

it("tells two states of a file apart that were changed within one tick of the clock", async () => {
  const stats = {
    ino: 1n,
    ctimeNs: 5n,
    mtimeNs: 1n,
    atimeNs: 0n,
    size: 1n,
    isDirectory: () => false,
  };
  type Recorded = Parameters<MirrorNode["record"]>[0];
  const node = new MirrorNode();
  node.record(stats as unknown as Recorded);
  expect(node.matches(stats as unknown as Recorded)).toBe(true);
  expect(node.matches({ ...stats, mtimeNs: 5n } as unknown as Recorded)).toBe(false);
  expect(node.matches({ ...stats, size: 2n } as unknown as Recorded)).toBe(false);
});
