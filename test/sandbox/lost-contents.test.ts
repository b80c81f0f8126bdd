import fs from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { sandboxOf } from "./moved-files-fixture.ts";
import { allEngines, canServeFuse, isRoot, scratchDirectory, treeOf } from "./sandbox-fixture.ts";

// What an earlier file of this process has loaded knows nothing of the mock.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

const large = "large\n".repeat(100_000);

function openOverFuse(root: string): Promise<Overlay> {
  return openOverlay(root, { draft: "main", sandbox: sandboxOf("fuse") });
}

function treeWithLarge(): string {
  return treeOf({ large });
}

/** Runs a script that leaves more than `large` behind. */
async function runOver(overlay: Overlay, script: string): Promise<void> {
  await overlay.run("sh", ["-c", `${script}; echo x > other`], { stdio: "ignore" });
}

const conflict = {
  code: "DRAFT_CONFLICT",
  message: expect.stringMatching(/large.*changed/),
};

/** Each with the name that it leaves the file under. */
const scripts = [
  ["chmod 600 large", "large"],
  ["mv large z", "z"],
  ["printf x | dd of=large bs=1 seek=400000 conv=notrunc 2>&-", "large"],
] as const;

/** What happens between the command and the commit. */
const between: readonly (readonly [string, (overlay: Overlay) => Promise<unknown>])[] = [
  ["nothing", async () => {}],
  ["a diff", (overlay) => overlay.diff()],
  ["a saved draft", (overlay) => overlay.saveDraft()],
  ["the end of the sandbox", (overlay) => overlay.run("true").catch(() => {})],
];

describe.runIf(canServeFuse && isRoot)(
  "a large file that a command over FUSE left in parts",
  () => {
    it.each(scripts.flatMap((script) => between.map((then) => [...script, ...then] as const)))(
      "is a conflict once somebody writes to it: %s (%s), then %s",
      async (script, name, _what, act) => {
        const root = treeWithLarge();
        const place = join(root, "large");
        await using overlay = await openOverFuse(root);
        await runOver(overlay, script);
        fs.appendFileSync(place, "theirs\n");
        await act(overlay);
        expect(() => overlay.fs.readFileSync(join(root, name))).toThrow(
          expect.objectContaining({ code: "ESTALE" }),
        );
        await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
        await expect(overlay.commit({ include: [name] })).rejects.toMatchObject({
          code: "DRAFT_CONFLICT",
        });
        expect(fs.readFileSync(place, "utf8")).toBe(`${large}theirs\n`);
        await overlay.commit({ include: ["other"] });
        expect(fs.readdirSync(root)).toEqual([".draftfs", "large", "other"]);
        await overlay.discard();
        expect((await overlay.diff()).changeSet.changes).toEqual([]);
      },
    );

    it("is one in a saved draft too, which has all the rest", async () => {
      const root = treeWithLarge();
      {
        await using overlay = await openOverFuse(root);
        await runOver(overlay, "mv large z");
        fs.appendFileSync(join(root, "large"), "theirs\n");
        await overlay.saveDraft();
      }
      await using overlay = await openOverFuse(root);
      await expect(overlay.commit()).rejects.toMatchObject(conflict);
      await overlay.commit({ exclude: ["large", "z"] });
      expect(fs.readFileSync(join(root, "other"), "utf8")).toBe("x\n");
    });

    it("is one as well when somebody writes to it while the command runs", async () => {
      const root = treeOf({ small: "small\n" });
      const place = join(root, "small");
      await using overlay = await openOverFuse(root);
      const patch = "printf x | dd of=small bs=1 seek=2 conv=notrunc 2>&-";
      const script = `${patch}; echo done; until [ -e go ]; do sleep 0.01; done; echo x > other`;
      const command = await overlay.spawn("sh", ["-c", script], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      await new Promise((resolve) => command.child.stdout?.once("data", resolve));
      fs.appendFileSync(place, "theirs\n");
      overlay.fs.writeFileSync(join(root, "go"), "");
      await command.result;
      await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
      expect(fs.readFileSync(place, "utf8")).toBe("small\ntheirs\n");
    });
  },
);

const fuse = canServeFuse && isRoot ? (["fuse"] as const) : [];

it.each([...allEngines, ...fuse])(
  "no room for large files is told in words (%s)",
  async (engine) => {
    const root = treeOf({ a: "a\n" });
    const sandbox = sandboxOf(engine);
    await using overlay = await openOverlay(root, { draft: "main", sandbox });
    await runOver(overlay, "head -c 2000000 /dev/urandom > written");
    const bytes = overlay.fs.readFileSync(join(root, "written"));
    const missing = join(scratchDirectory(), "missing");
    const full = { code: "DRAFT_SANDBOX_FAILED", path: missing };
    vi.stubEnv("TMPDIR", missing);
    try {
      await expect(overlay.run("true")).rejects.toMatchObject(full);
      const message = expect.stringMatching(/Nothing is lost.*TMPDIR/);
      await expect(overlay.run("true")).rejects.toMatchObject({ ...full, message });
      if (engine === "fuse") await expect(overlay.commit()).rejects.toMatchObject(full);
    } finally {
      vi.unstubAllEnvs();
    }
    expect((await overlay.run("true")).exitCode).toBe(0);
    await overlay.commit();
    expect(fs.readFileSync(join(root, "written")).equals(bytes)).toBe(true);
  },
);

/** The server of this process, by its number. */
function serverOf(): number {
  const children = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").split(" ");
  return Number(
    children.find((pid) =>
      fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("server-main"),
    ),
  );
}

describe.runIf(canServeFuse && isRoot)("a large file whose server has died", () => {
  it("is told as that, and keeps nobody from the rest", async () => {
    const root = treeOf({ a: "a\n" });
    await using overlay = await openOverFuse(root);
    await runOver(overlay, "head -c 2000000 /dev/urandom > written");
    const server = serverOf();
    process.kill(server, "SIGKILL");
    while (fs.existsSync(`/proc/${server}`)) await new Promise((resolve) => setTimeout(resolve, 5));
    const lost = { code: "DRAFT_SANDBOX_FAILED", message: expect.stringContaining('"written"') };
    expect(() => overlay.fs.readFileSync(join(root, "written"))).toThrow(
      expect.objectContaining(lost),
    );
    await overlay.saveDraft();
    await expect(overlay.commit()).rejects.toMatchObject(lost);
    await overlay.commit({ include: ["other"] });
    expect(fs.readFileSync(join(root, "other"), "utf8")).toBe("x\n");
    await overlay.discard();
    expect((await overlay.run("cat", ["a"], { stdio: "ignore" })).exitCode).toBe(0);
  });
});
