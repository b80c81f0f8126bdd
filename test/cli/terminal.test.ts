import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  buildCommandLine,
  commandLinePath,
  TerminalSession,
} from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\ntwo\n", "gone.txt": "gone\n" });
});
afterEach(() => project[Symbol.dispose]());

const question = /commit, diff, keep, discard\?/;
const change = ["--", "sh", "-c", "echo three >> a.txt; rm gone.txt; echo n > new.txt"];

function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): TerminalSession {
  return new TerminalSession(args, { cwd: project.root, env });
}

describe("draftfs run on a terminal", () => {
  it("ends with a summary and asks; commit commits", async () => {
    const session = onTerminal(["run", ...change], { NO_COLOR: "1" });
    await session.shows(question);
    expect(session.text).toMatch(/ modified +a\.txt +\+1\n/);
    expect(session.text).toMatch(/ added +new\.txt +\+1\n/);
    expect(session.text).toMatch(/ deleted +gone\.txt +−1\n/);
    expect(session.text).toContain("1 added, 1 modified, 1 deleted; +2 −1 lines, 16 B to write");
    session.type("commit\n");
    expect(await session.end()).toBe(0);
    expect(project.tree()).toEqual({ "a.txt": "one\ntwo\nthree\n", "new.txt": "n\n" });
  });

  it("shows the diff and asks again; keep and an empty line keep the draft", async () => {
    const before = project.tree();
    const session = onTerminal(["run", ...change]);
    await session.shows(question);
    expect(session.text).toContain("\u001b[");
    session.type("d\n");
    await session.shows(/\+three/);
    session.type("what\n");
    await session.shows(/Please answer/);
    session.type("\n");
    expect(await session.end()).toBe(0);
    expect(project.tree()).toEqual(before);
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it("discards only when the whole word is typed", async () => {
    const session = onTerminal(["run", "--", "sh", "-c", "rm a.txt; exit 6"]);
    await session.shows(question);
    session.type("dis\n");
    await session.shows(/Please answer/);
    session.type("discard\n");
    expect(await session.end()).toBe(6);
    expect(project.draftfs(["status"]).code).toBe(0);
    expect(fs.existsSync(project.path("a.txt"))).toBe(true);
  });

  it("keeps the draft when Ctrl-C answers the question", async () => {
    const session = onTerminal(["run", ...change]);
    await session.shows(question);
    session.type("\u0003");
    expect(await session.end()).toBe(130);
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it.each([
    { key: "Ctrl-C", typed: "\u0003", code: 130 },
    { key: "Ctrl-\\", typed: "\u001c", code: 131 },
  ])(
    "keeps what a command had done when $key ends it, and nothing on disk changes",
    async ({ typed, code }) => {
      const before = project.tree();
      const script = "echo n > new.txt; echo ready; exec sleep 60";
      const session = onTerminal(["run", "--", "sh", "-c", script]);
      await session.shows(/ready/);
      session.type(typed);
      await session.shows(question);
      session.type("keep\n");
      expect(await session.end()).toBe(code);
      expect(project.tree()).toEqual(before);
      expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tnew.txt\n");
    },
  );

  it("loses nothing when Ctrl-C is typed again and again while the command ends", async () => {
    const write = "for n in $(seq 600); do echo $n > $n.txt; done; echo ready; exec sleep 60";
    const session = onTerminal(["run", "--", "sh", "-c", write]);
    await session.shows(/ready/);
    const typing = setInterval(() => session.type("\u0003"), 2);
    expect(await session.end().finally(() => clearInterval(typing))).toBe(130);
    expect(project.draftfs(["status"]).out.match(/^A\t/gm)).toHaveLength(600);
  });

  it("asks nothing where the question cannot be seen", async () => {
    const session = new TerminalSession(["run", ...change], {
      cwd: project.root,
      redirect: `2>${project.beside("log")}`,
    });
    expect(await session.end()).toBe(0);
    expect(fs.readFileSync(project.beside("log"), "utf8")).toContain("A\tnew.txt\n");
    expect(session.text).not.toMatch(question);
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it("says what commit and discard take when something was pending before", async () => {
    project.run("echo x > before.txt");
    const session = onTerminal(["run", ...change], { NO_COLOR: "1" });
    await session.shows(question);
    expect(session.text).toContain("1 path of it was pending before: commit takes all, discard");
    session.type("discard\n");
    expect(await session.end()).toBe(0);
    expect(session.text).toContain("1 path from before still pending");
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tbefore.txt\n");
  });

  it("takes what was in a directory that the command has removed for its own", async () => {
    project.write("lib/one.txt", "1\n");
    project.write("lib/deep/two.txt", "2\n");
    const session = onTerminal(["run", "rm", "-r", "lib"], { NO_COLOR: "1" });
    await session.shows(question);
    expect(session.text).toContain("4 deleted");
    expect(session.text).not.toContain("pending before");
    session.type("\n");
    expect(await session.end()).toBe(0);
  });

  it("says that the draft is kept when the commit is refused", async () => {
    const session = onTerminal(["run", ...change], { NO_COLOR: "1" });
    await session.shows(question);
    project.write("a.txt", "theirs\n");
    session.type("commit\n");
    expect(await session.end()).toBe(3);
    expect(session.text).toContain("Nothing was committed; the draft is kept.");
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it("says once that there is nothing to commit", async () => {
    const session = onTerminal(["run", "--commit", "--", "true"], { NO_COLOR: "1" });
    expect(await session.end()).toBe(0);
    expect(session.text.match(/Nothing is pending/g)).toHaveLength(1);
  });

  it("asks nothing when nothing is pending or it was decided beforehand", async () => {
    const idle = onTerminal(["run", "--", "true"]);
    expect(await idle.end()).toBe(0);
    expect(idle.text).toContain("Nothing is pending");
    const kept = onTerminal(["run", "--keep", ...change]);
    expect(await kept.end()).toBe(0);
    expect(kept.text).not.toMatch(question);
  });
});

describe("an interactive shell in draftfs run", () => {
  it("has the terminal, its size, Ctrl-C and jobs, and gives the terminal back", async () => {
    const session = onTerminal(["run", "--", "bash", "--norc", "-i"], { NO_COLOR: "1" });
    await session.shows(/[$#] /);
    const sleeper = "sh -c 'echo new > new.txt; echo asle\"ep\"; exec sleep 60'";
    session.type(`test -t 0 && test -t 1 && test -t 2 && stty size; ${sleeper}\n`);
    await session.shows(/50 120\n[\s\S]*asleep/);
    session.type("\u0003");
    await session.shows(/asleep[\s\S]*[$#] /);
    session.type("sleep 60 & jobs\n");
    await session.shows(/Running +sleep 60/);
    session.type("exit 3\n");
    await session.shows(question);
    session.type("keep\n");
    expect(await session.end()).toBe(3);
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tnew.txt\n");
  });
});

describe("overlay.shell()", () => {
  it("runs the user's shell at the terminal, over the overlay", async () => {
    const program = project.beside("shell.mjs");
    const library = pathToFileURL(join(commandLinePath, "../index.js")).href;
    fs.writeFileSync(
      program,
      `import { openOverlay } from ${JSON.stringify(library)};
       const overlay = await openOverlay(process.argv[2]);
       const { exitCode, isolation } = await overlay.shell();
       const { changes } = await overlay.diff();
       const paths = changes.map(({ path }) => path).join();
       console.log(\`ended \${exitCode} \${isolation} \${paths}\`);
       await overlay.close();`,
    );
    const env = { SHELL: "/bin/bash", HOME: project.beside("nobody") };
    const session = new TerminalSession([project.root], { env, program });
    await session.shows(/[$#] /);
    session.type("test -t 0 && test -t 1 && test -t 2 && rm gone.txt; exit 5\n");
    expect(await session.end()).toBe(0);
    expect(session.text).toContain("ended 5 enforced gone.txt");
    expect(project.read("gone.txt")).toBe("gone\n");
  });
});

describe("the summary of many changes", () => {
  // didvc/ai-bwrap#8.
  it("gathers what is added by directory, and what is deleted with one", async () => {
    for (let n = 0; n < 40; n++) project.write(`old/${n}.txt`, `${n}\n`);
    project.write("kept/file", "kept\n");
    const script =
      "for n in $(seq 60); do mkdir -p new/$((n % 3)); echo $n > new/$((n % 3))/$n; done; " +
      "rm -r old; mv kept renamed";
    const session = onTerminal(["run", "--", "sh", "-c", script], { NO_COLOR: "1" });
    await session.shows(question);
    session.type("discard\n");
    expect(await session.end()).toBe(0);
    expect(session.text).toMatch(/added +new\/0\/ +21 paths/);
    expect(session.text).toMatch(/deleted +old\/ +41 paths, 110 B/);
    // Without rights the kernel does not tell that a directory was renamed: mv copies and deletes.
    expect(session.text).toMatch(/renamed +kept\/ → renamed\/|deleted +kept\/file/);
    expect(session.text.split("\n").length).toBeLessThan(60);
  });
});

describe("the summary of a command that works with git", () => {
  it("gathers what git keeps for itself, and shows the project's files one by one", async () => {
    project.write(".gitignore", ".draftfs\n");
    execFileSync("git", ["init", "--quiet", project.root]);
    const script = "echo x > a.txt; git add a.txt; git -c user.name=a -c user.email=@ commit -qm a";
    const session = onTerminal(["run", "--", "sh", "-c", script], { NO_COLOR: "1" });
    await session.shows(question);
    session.type("commit\n");
    expect(await session.end()).toBe(0);
    expect(session.text).toMatch(/(added|changed) +\.git\/ +\d+ paths/);
    expect(session.text).not.toContain(".git/index");
    const undone = onTerminal(["undo"], { NO_COLOR: "1" });
    expect(await undone.end()).toBe(0);
    expect(undone.text).toMatch(/(deleted|changed) +\.git\/ +\d+ paths/);
    const redone = onTerminal(["redo", "--dry-run"], { NO_COLOR: "1" });
    expect(await redone.end()).toBe(0);
    expect(redone.text).toMatch(/added +\.git\/index/);
  });
});

describe("draftfs discard on a terminal", () => {
  // anthropics/claude-code#64615.
  it("shows what will be lost and asks for the whole word; --yes asks nothing", async () => {
    project.run("rm a.txt; echo x > x");
    const stopped = onTerminal(["discard"], { NO_COLOR: "1" });
    await stopped.shows(/discard, keep\?/);
    stopped.type("\u0003");
    expect(await stopped.end()).toBe(130);
    expect(project.draftfs(["status"]).code).toBe(2);
    const kept = onTerminal(["discard"], { NO_COLOR: "1" });
    await kept.shows(/discard, keep\?/);
    expect(kept.text).toMatch(/deleted +a\.txt/);
    kept.type("\n");
    expect(await kept.end()).toBe(0);
    expect(project.draftfs(["status"]).code).toBe(2);
    const discarded = onTerminal(["discard"], { NO_COLOR: "1" });
    await discarded.shows(/discard, keep\?/);
    discarded.type("discard\n");
    expect(await discarded.end()).toBe(0);
    expect(project.draftfs(["status"]).code).toBe(0);
    project.run("echo x > x");
    expect(await onTerminal(["discard", "--yes"]).end()).toBe(0);
    expect(project.draftfs(["status"]).code).toBe(0);
  });
});

describe("draftfs try", () => {
  // MoonshotAI/kimi-cli#289, HKUDS/OpenHarness#259, anthropics/claude-code#41576, Aider-AI/aider#290, #309.
  it("shows the diff before it asks", async () => {
    const session = onTerminal(["try", ...change], { NO_COLOR: "1" });
    await session.shows(question);
    expect(session.text).toMatch(/-gone\n[\s\S]*commit, diff/);
    session.type("k\n");
    expect(await session.end()).toBe(0);
  });
});

describe("colour", () => {
  it("appears on a terminal, and not when NO_COLOR is set, nor in a pipe", async () => {
    project.run("echo x > a.txt");
    const coloured = onTerminal(["diff"]);
    await coloured.end();
    expect(coloured.text).toContain("\u001b[32m+x");
    const plain = onTerminal(["diff"], { NO_COLOR: "1" });
    await plain.end();
    expect(plain.text).not.toContain("\u001b");
    expect(project.draftfs(["diff"]).out).not.toContain("\u001b");
  });
});
