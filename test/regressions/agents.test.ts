import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Overlay } from "../../src/index.ts";
import { openOverlay } from "../../src/index.ts";

// What checkpoints and undo of coding agents got wrong, each with the thread that tells of it.

let root: string;
const opened: Overlay[] = [];

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-agents-")));
  write("a.txt", "a\n");
  write("lib/b.txt", "b\n");
});

afterEach(async () => {
  for (const overlay of opened.splice(0)) await overlay.close();
  fs.rmSync(root, { recursive: true, force: true });
});

function at(path: string): string {
  return join(root, path);
}

function write(path: string, content: string | Buffer): void {
  fs.mkdirSync(join(at(path), ".."), { recursive: true });
  fs.writeFileSync(at(path), content);
}

async function open(draft?: string): Promise<Overlay> {
  const overlay = await openOverlay(root, draft === undefined ? {} : { draft });
  opened.push(overlay);
  return overlay;
}

/** Every node but the state directory's, with its mode and bytes. */
function tree(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    if (path === ".draftfs" || path.startsWith(".draftfs/")) continue;
    const stats = fs.lstatSync(at(path));
    const mode = (stats.mode & 0o7777).toString(8);
    found[path] = stats.isFile()
      ? `${mode} ${fs.readFileSync(at(path)).toString("latin1")}`
      : stats.isSymbolicLink()
        ? fs.readlinkSync(at(path))
        : mode;
  }
  return found;
}

describe("undo", () => {
  // NousResearch/hermes-agent#80751, anomalyco/opencode#49732, mrclrchtr/supi#251, cline/cline#14367.
  test("google-gemini/gemini-cli#13331, github/copilot-cli#1675: leaves what is not its own", async () => {
    write("untracked", "mine");
    const overlay = await open();
    overlay.fs.writeFileSync("a.txt", "changed\n");
    overlay.fs.mkdirSync("made");
    overlay.fs.writeFileSync("made/new", "new\n");
    await overlay.commit();
    write("later", "mine too");
    write("made/mine", "mine too");
    write("lib/b.txt", "edited by hand\n");
    await overlay.undo();
    expect(fs.readFileSync(at("a.txt"), "utf8")).toBe("a\n");
    expect(fs.existsSync(at("made/new"))).toBe(false);
    const mine = ["untracked", "later", "made/mine", "lib/b.txt"];
    expect(mine.map((path) => fs.readFileSync(at(path), "utf8"))).toEqual([
      "mine",
      "mine too",
      "mine too",
      "edited by hand\n",
    ]);
  });

  test("Aider-AI/aider#1093: takes new files and directories away again", async () => {
    const before = tree();
    const overlay = await open();
    overlay.fs.mkdirSync("new/deep", { recursive: true });
    overlay.fs.writeFileSync("new/deep/file", "new\n");
    await overlay.commit();
    await overlay.undo();
    expect(tree()).toEqual(before);
  });

  // anthropics/claude-code#18740, #14002, #15403, #353, #6001, openai/codex#9203, #11626, #12558.
  test("anthropics/claude-code#34368, #94657, #20671: of what commands delete, move and edit", async () => {
    const before = tree();
    const overlay = await open();
    await overlay.run("sh", ["-c", "rm a.txt; mv lib/b.txt lib/moved; echo x >> lib/moved"]);
    await overlay.commit();
    expect(Object.keys(tree())).toEqual(["lib", "lib/moved"]);
    await overlay.undo();
    expect(tree()).toEqual(before);
  });

  // zed-industries/zed#59099.
  test("anomalyco/opencode#44724: writes no file again that is as it should be", async () => {
    const stamp = () => fs.lstatSync(at("lib/b.txt"), { bigint: true });
    const before = stamp();
    const overlay = await open();
    for (const text of ["1\n", "2\n"]) {
      overlay.fs.writeFileSync("a.txt", text);
      await overlay.commit();
    }
    await overlay.restore({ checkpoint: "1" });
    await overlay.undo();
    expect([stamp().ino, stamp().ctimeNs]).toEqual([before.ino, before.ctimeNs]);
  });

  // NousResearch/hermes-agent#1505.
  test("jj, pi-rewind-hook#2: is an operation of its own, and nothing is ever cut off", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync("a.txt", "1\n");
    await overlay.commit();
    await overlay.undo();
    await overlay.redo();
    await overlay.undo();
    const operations = (await overlay.log()).map(({ manifest }) => manifest.operation);
    expect(operations).toEqual(["undo", "redo", "undo", "commit"]);
  });

  test("Codewhale#5089, anomalyco/opencode#3176: of one draft leaves another's work", async () => {
    const [one, two] = [await open("one"), await open("two")];
    one.fs.writeFileSync("a.txt", "one\n");
    two.fs.writeFileSync("lib/b.txt", "two\n");
    const receipt = await one.commit();
    await two.commit();
    await receipt.undo();
    expect(fs.readFileSync(at("a.txt"), "utf8")).toBe("a\n");
    expect(fs.readFileSync(at("lib/b.txt"), "utf8")).toBe("two\n");
  });

  // jj-vcs/jj#5278.
  test("jj-vcs/jj#3912, cline/cline#1582: has no size above which files are skipped", async () => {
    const large = Buffer.alloc(6 * 1024 * 1024, "large ");
    write("large", large);
    const overlay = await open();
    overlay.fs.rmSync("large");
    overlay.fs.writeFileSync("other", Buffer.concat([large, large]));
    await overlay.commit();
    await overlay.undo();
    expect(fs.readFileSync(at("large")).equals(large)).toBe(true);
    expect(fs.existsSync(at("other"))).toBe(false);
  });

  test("changelog of claude-code 2.1: bytes, line ends and modes come back exactly", async () => {
    write("crlf", "one  \r\ntwo\r\n");
    write("bom", "\ufeff“curly”\n");
    write("bytes", Buffer.from([0, 255, 254, 10, 13]));
    fs.chmodSync(at("crlf"), 0o600);
    fs.chmodSync(at("bytes"), 0o755);
    const before = tree();
    const overlay = await open();
    for (const path of ["crlf", "bom", "bytes"]) overlay.fs.appendFileSync(path, "more\r\n");
    await overlay.commit();
    expect(fs.readFileSync(at("crlf"), "latin1")).toBe("one  \r\ntwo\r\nmore\r\n");
    expect(fs.statSync(at("crlf")).mode & 0o777).toBe(0o600);
    await overlay.undo();
    expect(tree()).toEqual(before);
  });
});

describe("a commit", () => {
  // anomalyco/opencode#34311, openclaw#117742, patch-package#450, allenai/rslearn#38, QwenLM/qwen-code#4095,
  // convergent-systems-co/olympus-cli#78, strukto-ai/mirage#16.
  test("openai/codex#34917, anomalyco/opencode#41871: of many files is all or none", async () => {
    const overlay = await open();
    overlay.fs.unlinkSync("a.txt");
    overlay.fs.writeFileSync("lib/b.txt", "draft\n");
    overlay.fs.writeFileSync("lib/new.txt", "new\n");
    write("lib/b.txt", "disk\n");
    const before = tree();
    await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    expect(tree()).toEqual(before);
  });

  test("binpash/try 0.2: carries modes of directories, and replaces without a gap", async () => {
    fs.chmodSync(at("lib"), 0o755);
    const overlay = await open();
    overlay.fs.chmodSync("lib", 0o700);
    await overlay.commit();
    expect(fs.statSync(at("lib")).mode & 0o777).toBe(0o700);
  });

  // RooCodeInc/Roo-Code#7843, google-gemini/gemini-cli#1716, #3538, #11243, #15616.
  test("anomalyco/opencode#26893, gemini-cli#4115: fails aloud where no checkpoint can be kept", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync("a.txt", "draft\n");
    fs.mkdirSync(at(".draftfs"), { recursive: true });
    fs.rmSync(at(".draftfs/checkpoints.git"), { recursive: true, force: true });
    write(".draftfs/checkpoints.git", "in the way");
    await expect(overlay.commit()).rejects.toThrow();
    expect(fs.readFileSync(at("a.txt"), "utf8")).toBe("a\n");
    expect((await overlay.diff()).changes.map(({ path }) => path)).toEqual(["a.txt"]);
  });

  // anomalyco/opencode#1646, #3182, openai/codex#7395, #29388, #41147, cline/cline#4519, #13131,
  // t3code#12924, lzvxck/seri-agent#296, Kilo-Org/kilocode#11072, pi-code#253.
  test("ilovepixelart/pi-code#251, anomalyco/opencode#15977: keeps only what it changes", async () => {
    write("huge", Buffer.alloc(8 * 1024 * 1024, Math.random().toString()));
    const overlay = await open();
    overlay.fs.writeFileSync("a.txt", "draft\n");
    await overlay.commit();
    const store = at(".draftfs/checkpoints.git");
    const bytes = fs
      .readdirSync(store, { recursive: true, encoding: "utf8" })
      .reduce((sum, path) => sum + fs.lstatSync(join(store, path)).size, 0);
    expect(bytes).toBeLessThan(256 * 1024);
  });
});

describe("repositories", () => {
  const git = (place: string, ...words: string[]) =>
    execFileSync("git", ["-c", "user.name=n", "-c", "user.email=e", ...words], {
      cwd: at(place),
      encoding: "utf8",
    });

  // cline/cline#2868, #5598, RooCodeInc/Roo-Code#8164.
  test("cline/cline#9590, RooCodeInc/Roo-Code#4509: nested in one another stay as they are", async () => {
    for (const place of ["", "lib"]) {
      git(place, "init", "-q");
      git(place, "add", ".");
      git(place, "commit", "-qm", "first");
    }
    const heads = () => ["", "lib"].map((place) => git(place, "rev-parse", "HEAD"));
    const before = heads();
    const overlay = await open();
    overlay.fs.writeFileSync("a.txt", "draft\n");
    overlay.fs.writeFileSync("lib/b.txt", "draft\n");
    await overlay.commit();
    expect(git("", "status", "--porcelain", "a.txt")).toBe(" M a.txt\n");
    expect(git("lib", "status", "--porcelain")).toBe(" M b.txt\n");
    await overlay.undo();
    expect([git("", "diff", "--stat"), git("lib", "status", "--porcelain")]).toEqual(["", ""]);
    expect(heads()).toEqual(before);
    expect(fs.readdirSync(root).sort()).toEqual([".draftfs", ".git", "a.txt", "lib"]);
  });

  // openai/codex#8214, #28241, #19205.
  test("ilovepixelart/pi-code#251: git adds no state, and no command sees or removes it", async () => {
    git("", "init", "-q");
    const overlay = await open("main");
    overlay.fs.writeFileSync("a.txt", "draft\n");
    await overlay.commit();
    expect(git("", "status", "--porcelain")).not.toContain(".draftfs");
    await overlay.run("sh", ["-c", "git add -A && git clean -fdxq; rm -rf .draftfs"]);
    const touched = (await overlay.diff()).changes.map(({ path }) => path);
    expect(touched.filter((path) => path.startsWith(".draftfs"))).toEqual([]);
    expect((await overlay.log()).length).toBe(1);
  });

  // openai/codex#7071.
  test("tursodatabase/agentfs#344: a commit in a submodule is carried to the disk", async () => {
    git("lib", "init", "-q");
    git("lib", "add", ".");
    git("lib", "commit", "-qm", "first");
    git("", "init", "-q");
    git("", "-c", "protocol.file.allow=always", "submodule", "add", "-q", "./lib", "module");
    const overlay = await open();
    const commit = "git -c user.name=n -c user.email=e commit -qam second";
    await overlay.run("sh", ["-c", `cd module && echo more >> b.txt && ${commit}`]);
    await overlay.commit();
    expect(git("module", "log", "--format=%s")).toBe("second\nfirst\n");
    expect(git("module", "status", "--porcelain")).toBe("");
    git("module", "fsck", "--strict");
  });
});

describe("hooks that stash what is not staged", () => {
  const identity = "-c user.name=n -c user.email=e";
  const git = (command: string): string =>
    execFileSync("sh", ["-c", `git ${identity} ${command}`], { cwd: root, encoding: "utf8" });
  const work = () => [
    ...["status --porcelain", "diff", "diff --cached", "stash list"].map(git),
    fs.readFileSync(at("a.txt"), "utf8"),
    fs.readFileSync(at("untracked"), "utf8"),
  ];
  const stash = `git ${identity} stash -q --keep-index -u`;

  beforeEach(() => {
    git("init -q && git add . && git -c user.name=n -c user.email=e commit -qm first");
    write("a.txt", "staged\n");
    git("add a.txt");
    write("a.txt", "staged\nnot staged\n");
    write("untracked", "mine\n");
  });

  test("lint-staged/lint-staged#583, #880, pre-commit/pre-commit#2473: fail or are killed, and nothing is lost", async () => {
    const before = work();
    const failing = await open("failing");
    const { exitCode } = await failing.run("sh", ["-c", `${stash} && echo x > a.txt; exit 3`]);
    expect([exitCode, work()]).toEqual([3, before]);
    const killed = await open("killed");
    const script = `${stash} && touch stashed && exec sleep 60`;
    const { signal } = await killed.run("sh", ["-c", script], { timeoutMs: 3000 });
    expect([signal, killed.fs.existsSync("stashed")]).toEqual(["SIGTERM", true]);
    expect(killed.fs.existsSync("untracked")).toBe(false);
    expect(work()).toEqual(before);
  });

  test("lint-staged/lint-staged#1311, #1428: succeed, and can be undone with what they staged", async () => {
    const before = work();
    const overlay = await open();
    const format = "sed -i s/^/formatted-/ a.txt && git add a.txt";
    await overlay.run("sh", ["-c", `${stash} && ${format} && git ${identity} stash pop -q`]);
    await overlay.commit();
    expect(fs.readFileSync(at("a.txt"), "utf8")).toContain("formatted-staged");
    expect(fs.readFileSync(at("untracked"), "utf8")).toBe("mine\n");
    await overlay.undo();
    expect(work()).toEqual(before);
    git("fsck --strict");
  });
});

test("openai/codex#19588, diillson/chatcli#1429: the home directory is no root", async () => {
  await expect(openOverlay(os.homedir())).rejects.toMatchObject({ code: "DRAFT_ROOT_GUARDED" });
});
