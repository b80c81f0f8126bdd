import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { engineVerdictMs } from "../../src/limits.ts";
import { findProgram } from "../../src/sandbox/command/command.ts";
import { examineSandbox } from "../../src/sandbox/doctor.ts";
import { circumstancesOf, EngineVerdicts } from "../../src/sandbox/engine/engine-verdicts.ts";
import { toolPath } from "../../src/sandbox/namespace/namespace.ts";
import type { SessionOptions } from "../../src/sandbox/session-options.ts";
import { kindOfWords } from "../../src/sandbox/start-failure.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";
import { isRoot, openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";

const refused = "unshare: unshare failed: Operation not permitted";

/** A system whose `unshare` refuses, in the kernel's words, what matches a pattern of the shell. */
class StrictSystem {
  readonly #log: string;
  readonly #pattern: string;

  /** @param refusing of the words of `unshare`, each followed by a space. */
  constructor(refusing: string, words = refused) {
    const directory = scratchDirectory();
    this.#log = join(directory, "log");
    this.#pattern = join(directory, "pattern");
    writeFileSync(this.#log, "");
    writeFileSync(this.#pattern, refusing);
    const real = findProgram("unshare", toolPath(process.env["PATH"]));
    const program = join(directory, "unshare");
    // Others than the first process of a namespace call it too.
    const script = `#!/bin/sh
case "$*" in *--propagation*) ;; *) exec ${real} "$@";; esac
echo "$1" >>${this.#log}
case "$* " in $(cat ${this.#pattern})) echo "${words}" >&2; exit 1;; esac
exec ${real} "$@"
`;
    writeFileSync(program, script);
    chmodSync(program, 0o755);
    vi.stubEnv("PATH", `${directory}:${process.env["PATH"]}`);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
  }

  /** Starts since this was asked last: of namespaces of root (`-m`), and of users (`-U`). */
  starts(): string[] {
    const starts = readFileSync(this.#log, "utf8").split("\n").filter(Boolean);
    writeFileSync(this.#log, "");
    return starts;
  }

  refuse(pattern: string): void {
    writeFileSync(this.#pattern, pattern);
  }
}

const ofRoot = "-m*";
const everything = "*";
const nothing = "nothing";

async function runOver(root: string, options: SessionOptions = {}) {
  const { session } = await openOver(root, options);
  return session.run("true", [], { stdio: "ignore" });
}

describe.runIf(isRoot)("an engine that fails to start for a reason that lasts", () => {
  it("is not tried again by the next session, which still says why it was passed over", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot);
    const first = await runOver(root);
    expect(system.starts()).toEqual(["-m", "-U"]);
    expect(first.engine).toBe("overlay-user");
    expect(first.passedOver).toEqual([
      { engine: "overlay", reason: refused, remedy: expect.stringContaining("SYS_ADMIN") },
    ]);
    const second = await runOver(root);
    expect(system.starts()).toEqual(["-U"]);
    expect(second).toMatchObject({ engine: "overlay-user", passedOver: first.passedOver });
  });

  it("is known for other trees on its file system", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot);
    await runOver(root);
    system.starts();
    await runOver(treeOf({ b: "b" }));
    expect(system.starts()).toEqual(["-U"]);
  });

  it.skipIf(statSync(memoryDirectory()).dev === statSync(tmpdir()).dev)(
    "is tried on another file system",
    async () => {
      const system = new StrictSystem(ofRoot);
      await runOver(treeOf({ a: "a" }));
      await runOver(treeInMemory());
      expect(system.starts()).toEqual(["-m", "-U", "-m", "-U"]);
    },
  );

  it("is tried by a session that wants something else, or that names it", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot);
    await runOver(root);
    system.starts();
    await runOver(root, { network: "off" });
    expect(system.starts()).toEqual(["-m", "-U"]);
    await expect(runOver(root, { engine: "overlay" })).rejects.toThrow(refused);
    expect(system.starts()).toEqual(["-m"]);
    system.refuse(nothing);
    expect(await runOver(root, { engine: "overlay" })).toMatchObject({ engine: "overlay" });
    // Which shows that what was known of it is not so any more.
    expect(await runOver(root)).toMatchObject({ engine: "overlay", passedOver: [] });
  });

  it("is tried again before a command is refused, or run without enforced isolation", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot);
    await runOver(root);
    system.refuse(everything);
    system.starts();
    await expect(runOver(root)).rejects.toMatchObject({
      code: "DRAFT_ISOLATION",
      message: expect.stringMatching(/overlay: unshare.*overlay-user: unshare.*fuse: unshare/s),
    });
    expect(system.starts()).toEqual(["-U", "-m", "-m"]);
    const copied = await runOver(root, { require: "cooperative" });
    expect(system.starts()).toHaveLength(3);
    expect(copied.passedOver.map(({ engine }) => engine)).toEqual([
      "overlay",
      "overlay-user",
      "fuse",
    ]);
    system.refuse(nothing);
    expect((await runOver(root)).engine).toBe("overlay");
  });

  it("is found again by the doctor, who knows nothing beforehand", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot);
    await runOver(root);
    expect(await examineSandbox(root)).toMatchObject({
      engines: [{ engine: "overlay", works: false, reason: refused }, {}, {}, {}],
    });
    system.refuse(nothing);
    expect((await examineSandbox(root)).chosen).toBe("overlay");
    system.refuse(ofRoot);
    system.starts();
    // He is told of no verdict, and leaves none.
    expect((await examineSandbox(root)).engines[0]?.works).toBe(false);
    expect(system.starts()[0]).toBe("-m");
  });

  it("is tried every time when what it lacked may come back by itself", async () => {
    const root = treeOf({ a: "a" });
    const system = new StrictSystem(ofRoot, "unshare: unshare failed: No space left on device");
    await runOver(root);
    await runOver(root);
    expect(system.starts()).toEqual(["-m", "-U", "-m", "-U"]);
  });
});

/** A tree in memory, where temporary files are not. */
function treeInMemory(): string {
  const root = realpathSync(mkdtempSync(join(memoryDirectory(), "draftfs-verdicts-")));
  onTestFinished(() => {
    removeTree(root);
  });
  return root;
}

describe("what is known of an engine", () => {
  const attempt = { engine: "overlay", reason: refused, remedy: "" };
  const failure = { attempt, kind: "not-allowed" } as const;
  const told = (reason: string) => {
    return { attempt: { ...attempt, reason }, kind: kindOfWords(reason) };
  };

  it("is forgotten after five minutes, so that a repaired system is found", () => {
    let nowMs = 0;
    const verdicts = new EngineVerdicts(() => nowMs);
    const here = { root: "/a", key: "k" };
    verdicts.note("overlay", here, failure);
    nowMs = engineVerdictMs - 1;
    expect(verdicts.find("overlay", here)).toEqual(attempt);
    nowMs = engineVerdictMs;
    expect(verdicts.find("overlay", here)).toBeUndefined();
  });

  it("is about one tree alone when its reason names that", () => {
    const verdicts = new EngineVerdicts();
    const reason = "mount: /a: wrong fs type, bad option, bad superblock on x";
    verdicts.note("overlay", { root: "/a", key: "k" }, told(reason));
    expect(verdicts.find("overlay", { root: "/a", key: "k" })?.reason).toBe(reason);
    expect(verdicts.find("overlay", { root: "/b", key: "k" })).toBeUndefined();
    expect(verdicts.find("overlay-user", { root: "/a", key: "k" })).toBeUndefined();
    expect(verdicts.find("overlay", { root: "/a", key: "other" })).toBeUndefined();
  });

  it.each([
    "mount: /a: Cannot allocate memory; mount: /a: Operation not permitted",
    "spawn unshare EAGAIN",
    "unshare ended with code null",
  ])("is nothing after a failure that tells of one moment: %s", (reason) => {
    const verdicts = new EngineVerdicts();
    verdicts.note("overlay", { root: "/a", key: "k" }, told(reason));
    expect(verdicts.find("overlay", { root: "/a", key: "k" })).toBeUndefined();
  });

  it("is nothing where something else than the system was in the way", () => {
    for (const kind of ["mounts-inside", "cannot-enforce", "cannot-contain", "unknown"] as const) {
      const verdicts = new EngineVerdicts();
      verdicts.note("overlay", { root: "/a", key: "k" }, { attempt, kind });
      expect(verdicts.find("overlay", { root: "/a", key: "k" })).toBeUndefined();
    }
  });

  it("depends on what is asked for and on the search path", () => {
    const root = scratchDirectory();
    const { key } = circumstancesOf(root, {});
    expect(circumstancesOf(root, { env: { A: "1" } }).key).toBe(key);
    expect(circumstancesOf(root, { home: "open" }).key).not.toBe(key);
    expect(circumstancesOf(root, { denyRead: ["a"] }).key).not.toBe(key);
    vi.stubEnv("PATH", "/nowhere");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    expect(circumstancesOf(root, {}).key).not.toBe(key);
  });
});
