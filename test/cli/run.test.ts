import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine, startDraftfs } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\ntwo\n", "lib/b.txt": "b\n" });
});
afterEach(() => project[Symbol.dispose]());

const sh = (script: string) => ["--", "sh", "-c", script];

describe("draftfs run", () => {
  it("changes nothing on disk, and keeps what the command did in the draft", () => {
    const before = project.tree();
    const outcome = project.draftfs(["run", ...sh("echo new > new.txt; rm a.txt; mkdir d")]);
    expect(outcome.code).toBe(0);
    expect(project.tree()).toEqual(before);
    const status = project.draftfs(["status"]);
    expect(status.code).toBe(2);
    expect(status.out.split("\n").sort()).toEqual(
      ["", "A\t-\t-\td/", "A\t1\t0\tnew.txt", "D\t0\t2\ta.txt"].sort(),
    );
  });

  it("passes the command's streams through and adds nothing to standard output", () => {
    const outcome = project.draftfs(["run", ...sh("cat; echo told >&2")], { input: "read\n" });
    expect(outcome).toMatchObject({ code: 0, out: "read\n" });
    expect(outcome.err).toContain("told\n");
  });

  it("tells on standard error what is pending, one path a line, when it is piped", () => {
    const { err } = project.draftfs(["run", ...sh("echo x >> a.txt; ln -s a.txt 'odd\tname'")]);
    expect(err).toBe('M\ta.txt\nA\t"odd\\tname"\n');
  });

  it("says that the work is lost when the draft cannot be saved, which stays as it was", () => {
    project.run("echo x > x");
    // Nobody can write to a file of that name, not even root.
    mkdirSync(project.path(".draftfs/drafts/main/index.new/in-the-way"), { recursive: true });
    const { code, err } = project.draftfs(["run", ...sh("echo y > y")]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /Cannot save the draft main in .*\.draftfs: EISDIR.* What sh did is lost; the draft is as it/,
    );
    const document = JSON.parse(project.draftfs(["run", "--json", ...sh("echo z > z")]).out);
    expect(document).toMatchObject({ error: { code: "EISDIR", path: project.path(".draftfs") } });
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
  });

  it("names fifos and sockets that are not committed", () => {
    const note = "draftfs: fifos, sockets and devices are not committed: pipe.\n";
    expect(project.run("mkfifo pipe; echo x > x").err).toBe(`A\tx\n${note}`);
    expect(project.draftfs(["status"])).toMatchObject({ out: "A\t1\t0\tx\n", err: note });
    expect(project.draftfs(["diff"]).err).toBe(note);
    expect(project.draftfs(["commit"])).toMatchObject({ code: 0, err: note });
    expect(project.tree()).not.toHaveProperty("pipe");
    expect(project.run("ls").out).not.toContain("pipe");
    project.run("mkfifo pipe");
    expect(project.json(["commit"])).toMatchObject({ committed: null, unsupported: ["pipe"] });
  });

  it("counts lines for programs, a path a line", () => {
    project.write("old.txt", "1\n2\n3\n");
    project.run("printf 'one\\n2\\n3\\n' > a.txt; printf '\\0' > bin; mv lib library; rm old.txt");
    // For a user, overlayfs copies directories that are moved.
    const moved =
      process.getuid?.() === 0
        ? "R\t-\t-\tlib/\tlibrary/\n"
        : "D\t-\t-\tlib/\nD\t0\t1\tlib/b.txt\nA\t-\t-\tlibrary/\nA\t1\t0\tlibrary/b.txt\n";
    expect(project.draftfs(["status"]).out).toBe(
      `M\t2\t1\ta.txt\nA\t-\t-\tbin\n${moved}D\t0\t3\told.txt\n`,
    );
  });

  it("makes a patch that git takes of what git did, and says what it leaves to read", () => {
    const git = "git -c user.name=n -c user.email=a@b -c init.defaultBranch=main";
    project.run(`${git} init -q && ${git} add . && ${git} commit -qm first && echo x >> a.txt`);
    const { out, err } = project.draftfs(["diff"]);
    expect(out).toContain("# +ref: refs/heads/main\n");
    expect(err).toMatch(
      /^draftfs: \d+ paths of a git repository \(\.git\): in the patch behind "# "/,
    );
    const apply = spawnSync("git", ["apply", "-"], { cwd: project.root, input: out });
    expect([apply.status, apply.stderr.toString()]).toEqual([0, ""]);
    expect(project.read("a.txt")).toBe("one\ntwo\nx\n");
  });

  it("says which files are too large for a patch", () => {
    const { code, err } = project.run(`truncate -s ${65 * 1024 ** 2} large`);
    expect([code, err]).toEqual([0, "A\tlarge\n"]);
    expect(project.draftfs(["diff"]).err).toMatch(/^draftfs: too large for a patch, .*: large\./);
  });

  it.each([0, 3, 255])("passes the exit code %i through", (code) => {
    expect(project.draftfs(["run", ...sh(`exit ${code}`)]).code).toBe(code);
  });

  it("continues the draft: a second command sees what the first one did", () => {
    project.run("echo three >> a.txt");
    const { out } = project.run("cat a.txt; echo four >> a.txt");
    expect(out).toBe("one\ntwo\nthree\n");
    expect(project.run("cat a.txt").out).toBe("one\ntwo\nthree\nfour\n");
    expect(project.read("a.txt")).toBe("one\ntwo\n");
  });

  it("keeps drafts of different names apart, also at the same time", async () => {
    const script = sh("echo $0; read name; [ ! -e name ] && echo $name > name");
    const running = [
      startDraftfs(["run", "--draft", "other", ...script], { cwd: project.root }),
      startDraftfs(["run", ...script], { cwd: project.root, env: { DRAFTFS_DRAFT: "third" } }),
    ];
    const ended = running.map((child) => once(child, "close"));
    // Only when both commands run does either go on.
    await Promise.all(running.map((child) => once(child.stdout, "data")));
    for (const [index, child] of running.entries())
      child.stdin.end(`${["other", "main"][index]}\n`);
    expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0]);
    expect(project.draftfs(["status"]).code).toBe(0);
    expect(project.draftfs(["run", "--draft=other", "--", "cat", "name"]).out).toBe("other\n");
    expect(project.draftfs(["run", "--draft=third", "--", "cat", "name"]).out).toBe("main\n");
    const { drafts } = project.json(["drafts"]) as { drafts?: { name: string }[] };
    expect(drafts?.map(({ name }) => name)).toEqual(["other", "third"]);
  });

  it("tells of a script by its beginning, on one line", () => {
    project.run(`\nset -e\n${"echo x >> x\n".repeat(20)}`);
    const start = `sh -c set -e ${"echo x >> x ".repeat(9)}`.slice(0, 60);
    expect(project.draftfs(["diff", "--by-command"]).out).toContain(`: ${start}… (22 lines) (`);
    project.draftfs(["commit"]);
    expect(project.draftfs(["log"]).out).toContain(`\n    by ${start}… (22 lines) (1 path)\n`);
  });

  it("commits when told to, and the command's changes are on disk", () => {
    const outcome = project.draftfs([
      "run",
      "--commit",
      "-m",
      "by run",
      ...sh("echo x > x; rm a.txt"),
    ]);
    expect(outcome).toMatchObject({ code: 0, out: "" });
    expect(outcome.err).toContain("Put it back with draftfs undo.");
    expect(project.tree()).toEqual({ "lib/": "", "lib/b.txt": "b\n", x: "x\n" });
    expect(project.draftfs(["status"]).code).toBe(0);
    const log = project.draftfs(["log"]).out;
    expect(log).toContain("by run");
    expect(log).toContain("\n    by sh -c echo x > x; rm a.txt (2 paths)\n");
    expect(project.draftfs(["show"]).out).toContain(
      "\n    by sh -c echo x > x; rm a.txt (2 paths)\n",
    );
    const words = ["sh", "-c", "echo x > x; rm a.txt"];
    expect(project.json(["show"])).toMatchObject({
      command: words,
      commands: [{ words, exitCode: 0, paths: ["a.txt", "x"] }],
    });
  });

  it("is told command by command by the log", () => {
    project.run("echo x > x; rm a.txt");
    expect(project.draftfs(["run", ...sh("mv lib/b.txt lib/c.txt; exit 3")]).code).toBe(3);
    expect(project.draftfs(["commit", "-m", "both"]).code).toBe(0);
    const [, ...lines] = project.draftfs(["log", "--by-command"]).out.split("\n");
    expect(lines.join("\n")).toMatch(
      /^ {4}by sh -c echo x .*\(2 paths\)\n {6}deleted +a\.txt\n {6}added +x\n {4}by sh -c mv /,
    );
    expect(lines.join("\n")).toMatch(/\(exit 3, .*\)\n {6}\w+ .*lib\/c\.txt\n/);
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.draftfs(["log", "--by-command"]).out).not.toContain("by no command");
  });

  it("does not commit what a failing command did", () => {
    const before = project.tree();
    const outcome = project.draftfs(["run", "--commit", ...sh("echo x > x; exit 9")]);
    expect(outcome.code).toBe(9);
    expect(outcome.err).toContain("Not committed");
    expect(project.tree()).toEqual(before);
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
  });

  it("discards only what this command did when told to", () => {
    project.run("echo kept > kept.txt");
    const outcome = project.draftfs(["run", "--discard", ...sh("rm -r lib kept.txt; exit 5")]);
    expect(outcome.code).toBe(5);
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tkept.txt\n");
    expect(project.run("cat kept.txt lib/b.txt").out).toBe("kept\nb\n");
  });

  it("prints one document with --json, and lets the command write to standard error", () => {
    const script = "echo loud; echo x > x; rm a.txt; exit 3";
    const { code, out, err } = project.draftfs(["run", "--json", ...sh(script)]);
    expect(code).toBe(3);
    expect(err).toBe("loud\n");
    expect(JSON.parse(out)).toMatchObject({
      draft: "main",
      decision: "kept",
      command: { exitCode: 3, signal: null, isolation: "enforced" },
      changes: [
        { kind: "delete", path: "a.txt" },
        { kind: "create", path: "x" },
      ],
    });
  });

  it("tells in the document what was committed or discarded", () => {
    const discarded = project.draftfs(["run", "--json", "--discard", ...sh("echo x > x")]);
    expect(JSON.parse(discarded.out)).toMatchObject({ decision: "discarded" });
    const committed = project.draftfs(["run", "--json", "--commit", ...sh("echo y > y")]);
    expect(JSON.parse(committed.out)).toMatchObject({
      decision: "committed",
      committed: { sequence: 1, checkpoint: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect(project.read("y")).toBe("y\n");
  });

  it("tells what the command did and why it was not committed, in one document", () => {
    project.run("echo ours >> a.txt");
    project.write("a.txt", "theirs\n");
    const { code, out } = project.draftfs(["run", "--json", "--commit", ...sh("echo y > y")]);
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      decision: "kept",
      command: { exitCode: 0, changes: [{ path: "y" }] },
      error: { code: "DRAFT_CONFLICT", details: { conflicts: [{ path: "a.txt" }] } },
    });
    expect(project.draftfs(["status"]).code).toBe(2);
  });

  it("says what is wrong and that the draft is kept when it cannot be committed", () => {
    project.run("echo ours >> a.txt");
    project.write("a.txt", "theirs\n");
    const { code, out, err } = project.draftfs(["run", "--commit", "--", "echo", "its own"]);
    expect({ code, out }).toEqual({ code: 3, out: "its own\n" });
    expect(err).toMatch(/on disk[\s\S]*the draft is kept/);
  });

  it("leaves options behind the command to the command, with and without --", () => {
    expect(project.draftfs(["run", "echo", "--json", "-C", "x"]).out).toBe("--json -C x\n");
    expect(project.draftfs(["run", "--", "echo", "--draft", "--"]).out).toBe("--draft --\n");
  });

  it("works on another directory with -C", () => {
    const outcome = project.draftfs(["run", "-C", project.root, "--", "pwd"], { cwd: "/" });
    expect(outcome.out).toBe(`${project.root}\n`);
  });
});

describe("draftfs try in a pipe", () => {
  it("shows the diff on standard error, because standard output is the command's", () => {
    const { code, out, err } = project.draftfs(["try", ...sh("echo its own; echo x >> a.txt")]);
    expect({ code, out }).toEqual({ code: 0, out: "its own\n" });
    expect(err).toMatch(/^M\ta\.txt\ndiff --git [\s\S]*\n\+x\n$/);
    expect(project.draftfs(["status"]).code).toBe(2);
  });
});

describe("a second process", () => {
  it("is refused while a command runs in the draft, and the first one loses nothing", async () => {
    const first = startDraftfs(["run", ...sh("echo first > first.txt; echo ready; read line")], {
      cwd: project.root,
    });
    const ended = once(first, "close");
    await once(first.stdout, "data");
    const second = project.draftfs(["run", ...sh("echo second > second.txt")]);
    expect(second.code).toBe(5);
    expect(second.err).toContain(`in use by process ${first.pid}`);
    expect(second.err).toContain("--draft NAME");
    expect(project.draftfs(["status"]).code).toBe(0);
    first.stdin.end("go on\n");
    expect((await ended)[0]).toBe(0);
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tfirst.txt\n");
  });
});
