import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  buildCommandLine,
  commandLinePath,
  draftfs,
  startDraftfs,
} from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n", "b.txt": "two\n" });
});
afterEach(() => project[Symbol.dispose]());

const isRoot = process.geteuid?.() === 0;

function openFile(path: string): Disposable & { readonly descriptor: number } {
  const descriptor = fs.openSync(path, "r");
  return { descriptor, [Symbol.dispose]: () => fs.closeSync(descriptor) };
}

/** The command line as a shell starts it, in a state that only a shell can bring about. */
function inShell(script: string) {
  const quoted = (word: string) => `'${word}'`;
  const command = [process.execPath, commandLinePath].map(quoted).join(" ");
  const shell = ["-c", `draftfs() { ${command} "$@"; }; ${script}`];
  const { status, stderr } = spawnSync("sh", shell, { cwd: project.root, encoding: "utf8" });
  return { code: status, err: stderr };
}

describe("surroundings in which nothing can work", () => {
  it.runIf(process.platform === "linux")(
    "an open file beyond a limit that was lowered since: the limit is told, and what to do",
    () => {
      const [node, program] = [process.execPath, commandLinePath];
      const run = ["-c", 'ulimit -n 100; exec "$@"', "sh", node, program, "run", "--", "true"];
      const stdio = new Array<"ignore" | "pipe" | number>(121).fill("ignore");
      stdio[2] = "pipe";
      using file = openFile("/dev/null");
      stdio[120] = file.descriptor;
      const { status, stderr } = spawnSync("sh", run, {
        cwd: project.root,
        stdio,
        encoding: "utf8",
      });
      expect(stderr).toMatch(/descriptor \d+,.*limit of open files is too low.*1024 or more/s);
      expect(stderr).not.toMatch(/EINVAL|doctor/);
      expect(status).toBe(4);
    },
  );

  it("too few files for draftfs itself: exit 1, the limit is told, and what to do", () => {
    const { code, err } = inShell("ulimit -n 24; draftfs status");
    expect(code).toBe(1);
    expect(err).toMatch(/EMFILE.*limit of open files is too low.*1024 or more/s);
  });

  it.runIf(fs.existsSync("/dev/full"))("a full disk for the output: exit 1, in a line", () => {
    project.run("echo x > a.txt");
    for (const command of ["diff", "status", "log --json"]) {
      const { code, err } = inShell(`draftfs ${command} > /dev/full`);
      expect(code).toBe(1);
      expect(err).toMatch(/^draftfs: Cannot write all of the output: ENOSPC.*\n$/);
    }
  });

  it("a working directory that is gone: exit 64, and -C works", () => {
    project.run("echo x > a.txt");
    const gone = `mkdir gone; cd gone; rmdir ../gone;`;
    const { code, err } = inShell(`${gone} draftfs status`);
    expect(code).toBe(64);
    expect(err).toMatch(/working directory is gone.*-C/);
    expect(inShell(`${gone} draftfs status -C '${project.root}'`).code).toBe(2);
  });

  it("a umask that takes our own rights: refused, and nothing is left that locks us out", () => {
    const refusal = /umask.*Nothing was touched.*022/;
    const first = inShell("umask 777; draftfs run -- true");
    expect([first.code, fs.existsSync(project.path(".draftfs"))]).toEqual([1, false]);
    const plan = inShell("draftfs run -- sh -c 'echo x > a.txt' 2>/dev/null");
    expect(plan.code).toBe(0);
    const { code, err } = inShell("umask 477; draftfs commit");
    expect(code).toBe(1);
    expect(err).toMatch(refusal);
    expect(project.read("a.txt")).toBe("one\n");
    expect(project.draftfs(["commit"]).code).toBe(0);
    expect(project.read("a.txt")).toBe("x\n");
    expect(inShell("umask 700; draftfs undo").err).toMatch(refusal);
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.read("a.txt")).toBe("one\n");
  });

  it("such a umask in a tree that has no state yet: nothing of one is made", () => {
    const { code, err } = inShell("umask 777; draftfs run --discard -- true");
    expect(code).not.toBe(0);
    expect(err).not.toMatch(/EACCES/);
    expect(fs.existsSync(project.path(".draftfs"))).toBe(false);
  });
});

describe("a root that cannot be one", () => {
  it("is missing: exit 64, and the message asks for the spelling", () => {
    const { code, err } = draftfs(["status", "-C", project.beside("nowhere")]);
    expect(code).toBe(64);
    expect(err).toMatch(/no such directory.*spelling of nowhere/s);
  });

  it("is a file: exit 64, and the message names the directory", () => {
    const { code, err } = draftfs(["status", "-C", project.path("a.txt")]);
    expect(code).toBe(64);
    expect(err).toContain(`not a directory. Did you mean ${project.root}?`);
  });

  it.each(["/", homedir()])("is %s: exit 64 without --force", (directory) => {
    const { code, err } = draftfs(["status", "-C", directory]);
    expect(code).toBe(64);
    expect(err).toContain("--force");
    expect(draftfs(["status", "-C", directory, "--force"]).err).not.toContain("Refusing");
  });

  it("lies inside of a state directory: exit 64, also with --force", () => {
    project.run("echo x > x");
    const inside = project.path(".draftfs/drafts");
    const { code, err } = draftfs(["status", "-C", inside, "--force"]);
    expect(code).toBe(64);
    expect(err).toContain("inside the state directory of another root");
  });

  it("cannot be entered: exit 64 and the error, as a user without rights", () => {
    const closed = project.beside("closed");
    fs.mkdirSync(join(closed, "root"), { recursive: true });
    fs.chmodSync(closed, 0o000);
    const { code, err } = asUser(["status", "-C", join(closed, "root")]);
    fs.chmodSync(closed, 0o700);
    expect(code).toBe(64);
    expect(err).toMatch(/EACCES.*permissions/s);
  });
});

describe("a directory that cannot be read", () => {
  it("does not stop a draft that has nothing to do with it", () => {
    fs.mkdirSync(project.path("secret"), { mode: 0o000 });
    project.run("echo x > x");
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
    expect(project.draftfs(["commit"]).code).toBe(0);
    expect(project.read("x")).toBe("x\n");
    fs.chmodSync(project.path("secret"), 0o700);
  });
});

describe("a directory that may not be read", () => {
  it("is not opened by whoever has no rights: the rest can be changed and committed", () => {
    fs.mkdirSync(project.path("secret"));
    project.write("secret/inside", "not yours\n");
    project.write("open/file", "yours\n");
    giveAway(project.beside(""));
    fs.chmodSync(project.path("secret"), 0o000);
    try {
      const script = "echo x > open/new; ls secret || echo closed";
      const run = asUser(["run", "-C", project.root, "--", "sh", "-c", script]);
      expect(run).toMatchObject({ code: 0, out: "closed\n" });
      expect(asUser(["status", "-C", project.root])).toMatchObject({
        code: 2,
        out: "A\t1\t0\topen/new\n",
      });
      expect(asUser(["diff", "-C", project.root, "secret"]).code).toBe(0);
      expect(asUser(["commit", "-C", project.root]).code).toBe(0);
      expect(project.read("open/new")).toBe("x\n");
      const inside = asUser(["run", "-C", project.root, "--", "sh", "-c", "echo y > secret/new"]);
      expect(inside.code).not.toBe(0);
      expect(asUser(["status", "-C", project.root])).toMatchObject({ code: 0, out: "" });
    } finally {
      fs.chmodSync(project.path("secret"), 0o700);
    }
  });
});

describe("a root that can only be read", () => {
  const looking = [["status"], ["diff"], ["drafts"], ["log"], ["drift"], ["verify"], ["recover"]];
  // Where nothing is pending there is nothing to write.
  looking.push(["commit"]);

  beforeEach(() => {
    fs.chmodSync(project.beside("."), 0o755);
    fs.chmodSync(project.root, 0o555);
  });
  afterEach(() => fs.chmodSync(project.root, 0o755));

  it.each(looking)("can be looked at: %s", (command) => {
    expect(asUser([command, "-C", project.root])).toMatchObject({ code: 0, err: "" });
  });

  it.each([
    ["run", "--", "true"],
    ["verify", "--repair"],
  ])("cannot be changed, and the error says what is missing and what to do: %s %s", (...words) => {
    const [command = "", ...rest] = words;
    const { code, err } = asUser([command, "-C", project.root, ...rest]);
    expect(code).toBe(1);
    expect(err).toContain(`Cannot write to ${project.path(".draftfs")}: EACCES. Drafts, `);
    expect(err).toContain("Check the permissions");
  });

  it("says so to programs, too", () => {
    const { out } = asUser(["run", "-C", project.root, "--json", "--", "true"]);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: "DRAFT_STATE_UNUSABLE", details: { level: "operation_failure" } },
    });
  });

  it("is not taken for one without drafts where they may not be read", () => {
    fs.chmodSync(project.root, 0o755);
    project.run("echo x > x");
    if (!isRoot) fs.chmodSync(project.path(".draftfs"), 0o000);
    for (const command of ["status", "drafts", "discard"]) {
      const { code, err } = asUser([command, "-C", project.root]);
      expect(code).toBe(1);
      expect(err).toContain(`Cannot read ${project.path(".draftfs")}: EACCES. It holds the drafts`);
    }
    fs.chmodSync(project.path(".draftfs"), 0o700);
  });
});

describe("a command", () => {
  it("that does not exist ends with 127 and a message", () => {
    // A directory in PATH that may not be searched would make it 126.
    const env = { PATH: "/usr/bin:/bin" };
    const { code, err } = project.draftfs(["run", "--", "no-such-command"], { env });
    expect(code).toBe(127);
    expect(err).toMatch(/no-such-command.*not found.*PATH/s);
  });

  it("that is a whole line of shell is told how to be one", () => {
    const { code, err } = project.draftfs(["run", "echo x > x"]);
    expect(code).toBe(127);
    expect(err).toContain("draftfs run -- sh -c");
  });

  it("that cannot be executed ends with 126 and a message", () => {
    const { code, err } = project.draftfs(["run", "--", "./a.txt"]);
    expect(code).toBe(126);
    expect(err).toContain("permissions");
  });

  it("that a signal kills ends with 128 + n, and the draft is kept", () => {
    const { code, err } = project.draftfs(["run", "--", "sh", "-c", "echo x > x; kill -KILL $$"]);
    expect(code).toBe(137);
    expect(err).toContain("SIGKILL");
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGQUIT", 131],
  ] as const)("gets %s when draftfs gets it, and what it had done is kept", async (signal, end) => {
    const script = "echo x > x; echo ready; exec sleep 60";
    const running = startDraftfs(["run", "--", "sh", "-c", script], { cwd: project.root });
    const ended = once(running, "close");
    await once(running.stdout, "data");
    running.kill(signal);
    expect((await ended)[0]).toBe(end);
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
    expect(fs.existsSync(project.path("x"))).toBe(false);
  });

  it("is not run where it cannot be isolated: exit 4, and the message says what would help", () => {
    const forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
    const drop = "setpriv --bounding-set=-all --inh-caps=-all --no-new-privs";
    const { status, stderr } = spawnSync(
      "unshare",
      [
        ...["-r", "sh", "-c", `${forbid} && exec ${drop} "$@"`, "sh"],
        ...[process.execPath, commandLinePath, "run", "--", "sh", "-c", "echo x > x"],
      ],
      { cwd: project.root, encoding: "utf8" },
    );
    expect(status).toBe(4);
    expect(stderr).toMatch(/was not run.*overlay-user.*max_user_namespaces/s);
    expect(fs.existsSync(project.path("x"))).toBe(false);
  });

  it("is missing: exit 64 and a pointer to the help", () => {
    const { code, err } = project.draftfs(["run"]);
    expect(code).toBe(64);
    expect(err).toContain("--help");
    expect(project.draftfs(["run", "--", ""]).code).toBe(64);
  });
});

describe("a disk that has moved on", () => {
  it("is a conflict: exit 3, both sides, and nothing is written", () => {
    project.run("echo ours >> a.txt; echo ours > new.txt; rm b.txt");
    project.write("a.txt", "theirs\n");
    project.write("new.txt", "their new\n");
    const before = project.tree();
    const { code, err } = project.draftfs(["commit"]);
    expect(code).toBe(3);
    expect(err).toMatch(
      / {2}a\.txt\n.*based on +file, 4 B.*on disk +file, 7 B.*in the draft +file, 9 B/s,
    );
    expect(err).toMatch(
      / {2}new\.txt\n.*based on +nothing.*on disk +file, 10 B.*in the draft +file, 5 B/s,
    );
    expect(project.tree()).toEqual(before);
    expect(project.draftfs(["status"]).code).toBe(2);
    const { error } = project.json(["commit"]) as { error?: { details: { conflicts: unknown[] } } };
    expect(error).toMatchObject({ code: "DRAFT_CONFLICT" });
    expect(error?.details.conflicts).toHaveLength(2);
  });

  it("is overwritten when told to, and what was lost is in the checkpoint", () => {
    project.run("echo ours >> a.txt");
    project.write("a.txt", "theirs\n");
    expect(project.draftfs(["commit", "--overwrite"]).code).toBe(0);
    expect(project.read("a.txt")).toBe("one\nours\n");
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.read("a.txt")).toBe("theirs\n");
  });

  it("makes a saved plan stale: exit 3, and nothing is written", () => {
    project.run("echo ours >> a.txt");
    expect(project.draftfs(["plan", "-o", project.beside("plan.json")]).code).toBe(2);
    project.write("a.txt", "theirs\n");
    const { code, err } = project.draftfs(["apply", project.beside("plan.json")]);
    expect(code).toBe(3);
    expect(err).toContain("Make the plan anew");
    expect(project.read("a.txt")).toBe("theirs\n");
  });
});

describe("a text that would become binary, or JSON that would break", () => {
  it("is refused under strict checks, with a way to mean it", () => {
    project.write("data.json", "{}\n");
    project.run("printf '\\377' > a.txt; echo '{' > data.json");
    const { code, err } = project.draftfs(["commit", "--checks", "strict"]);
    expect(code).toBe(1);
    expect(err).toMatch(/a\.txt.*data\.json.*--checks minimal/s);
    expect(project.read("a.txt")).toBe("one\n");
    expect(project.draftfs(["commit", "--checks", "minimal"]).code).toBe(0);
    expect(project.read("data.json")).toBe("{\n");
  });
});

describe("a disk that is full", () => {
  it("stops a commit in the middle: nothing has changed, the draft is kept, and space helps", () => {
    const script = `
      set -e
      mount -t tmpfs -o size=64m,nr_inodes=100 tmpfs "$1"
      cd "$1"
      mkdir -p root/d && cd root
      for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "old $i" > "d/$i"; done
      "$2" --input-type=module -e "$4"
      mkdir ../filler
      n=0; while touch "../filler/$n" 2>/dev/null; do n=$((n + 1)); done
      rm ../filler/0 ../filler/1 ../filler/2 ../filler/3 ../filler/4 ../filler/5 ../filler/6
      before=$(cat d/* | cksum)
      code=0; "$2" "$3" commit --checks minimal || code=$?
      echo "code $code"
      [ "$before" = "$(cat d/* | cksum)" ] && echo "tree unchanged"
      code=0; "$2" "$3" status >/dev/null || code=$?
      echo "status $code"
      rm -r ../filler
      "$2" "$3" commit >/dev/null
      [ "$before" = "$(cat d/* | cksum)" ] || echo "tree committed"
      "$2" "$3" status && echo "draft gone"
    `;
    // A disk without inodes: it has bytes to spare, so nothing warns before the commit is under way
    // where inodes are not looked at either.
    // By the library: a namespace that is root in name only cannot always run commands of its own.
    const library = pathToFileURL(join(commandLinePath, "..", "index.js"));
    const change = `
      import { randomBytes } from "node:crypto";
      import { openOverlay } from ${JSON.stringify(library.href)};
      const overlay = await openOverlay(".", { draft: "main" });
      for (let n = 1; n <= 12; n++) overlay.fs.writeFileSync("d/" + n, randomBytes(50000).toString("hex"));
      await overlay.saveDraft();
      await overlay.close();
    `;
    const place = project.beside("");
    const shell = ["sh", "-c", script, "sh", place, process.execPath, commandLinePath, change];
    const { stdout, stderr } = spawnSync("unshare", ["-rm", "--", ...shell], { encoding: "utf8" });
    expect(stdout.split("\n")).toEqual([
      "code 1",
      "tree unchanged",
      "status 2",
      "tree committed",
      "draft gone",
      "",
    ]);
    expect(stderr).toMatch(/ENOSPC|no space/);
    expect(stderr).toMatch(/[Ff]ree/);
  });
});

describe("a state directory", () => {
  it("of a newer version is refused untouched: exit 6, and the message says to update", () => {
    project.run("echo x > x");
    fs.writeFileSync(project.path(".draftfs/format"), "draftfs 999\n");
    const { code, err } = project.draftfs(["commit"]);
    expect(code).toBe(6);
    expect(err).toContain("Update draftfs");
    expect(project.read(".draftfs/format")).toBe("draftfs 999\n");
  });

  it("that is damaged is refused untouched: exit 6, and the message says how to go on", () => {
    project.run("echo x > x");
    fs.writeFileSync(project.path(".draftfs/format"), "garbage");
    const { code, err } = project.draftfs(["run", "--", "true"]);
    expect(code).toBe(6);
    expect(err).toContain("move it away");
    expect(project.read(".draftfs/format")).toBe("garbage");
  });

  it("with a damaged draft is refused: exit 6, and discard throws that draft away", () => {
    project.run("echo x > x");
    const index = project.path(".draftfs/drafts/main/index");
    fs.appendFileSync(index, "!");
    const { code, err } = project.draftfs(["status"]);
    expect(code).toBe(6);
    expect(err).toContain("draftfs discard --draft main");
    expect(project.draftfs(["drafts"]).out).toContain("checksum");
    expect(project.draftfs(["discard", "--draft", "main"]).code).toBe(0);
    expect(project.draftfs(["status"]).code).toBe(0);
  });
});

describe("a journal or a store that is damaged", () => {
  /** Every path of the state directory with a hash of its bytes. */
  const listing = (): Record<string, string> => {
    const found: Record<string, string> = {};
    const state = project.path(".draftfs");
    for (const name of fs.readdirSync(state, { recursive: true, encoding: "utf8" }).sort()) {
      const path = join(state, name);
      const isFile = fs.lstatSync(path).isFile();
      found[name] = isFile
        ? createHash("sha256").update(fs.readFileSync(path)).digest("hex")
        : "directory";
    }
    return found;
  };

  beforeEach(() => {
    project.run("echo x > x");
    project.draftfs(["commit"]);
    project.run("echo y > y");
  });

  it("by one bit in the journal is refused untouched: exit 6, and what is left to a person", () => {
    const journal = project.path(".draftfs/journal/current");
    const bytes = fs.readFileSync(journal);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    fs.writeFileSync(journal, bytes);
    // As after a crash: how far the record has come is not known, so it has to be read.
    fs.rmSync(project.path(".draftfs/journal/progress"));
    const before = { state: listing(), tree: project.tree() };
    for (const args of [["commit"], ["undo"], ["recover"], ["run", "--", "true"]]) {
      const { code, err } = project.draftfs(args);
      expect({ args, code }).toEqual({ args, code: 6 });
      expect(err).toMatch(/Left to you:\n {2}check the disk/);
    }
    expect({ state: listing(), tree: project.tree() }).toEqual(before);
  });

  it("by a pack of checkpoints that was cut off is refused untouched: exit 6", () => {
    const packs = project.path(".draftfs/checkpoints.git/objects/pack");
    const pack = fs.readdirSync(packs).find((name) => name.endsWith(".pack")) ?? "";
    fs.chmodSync(join(packs, pack), 0o600);
    fs.truncateSync(join(packs, pack), 100);
    const before = { state: listing(), tree: project.tree() };
    for (const args of [["log"], ["show", "latest", "--patch"], ["undo"]]) {
      const { code, err } = project.draftfs(args);
      expect({ args, code, err }).toMatchObject({ args, code: 6 });
      expect(err).toContain("draftfs:");
    }
    expect({ state: listing(), tree: project.tree() }).toEqual(before);
  });
});

describe("arguments", () => {
  it.each([
    [["frobnicate"], "unknown command"],
    [["status", "--frob"], "unknown option"],
    [["run", "--commit", "--discard", "--", "true"], "cannot be used with"],
    [["run", "--require", "magic", "--", "true"], "Allowed choices"],
    [["status", "--draft", "../x"], "letters, digits"],
    [["diff", "../outside"], "lies outside"],
    [["restore", "nonsense"], "See draftfs log"],
    [["undo"], "See draftfs log"],
    [["undo", "0"], "a count from 1"],
    [["apply", "missing.json"], "Cannot read the plan"],
    [["apply", "a.txt"], "not a plan"],
    [["run", "--comit", "--", "true"], "draftfs run --help"],
  ])("%j end with 64 and a message that tells what is wrong", (args, message) => {
    const { code, out, err } = project.draftfs(args);
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(err).toContain(message);
    expect(fs.existsSync(project.path(".draftfs"))).toBe(false);
  });

  it("that are wrong are a document too with --json", () => {
    expect(project.json(["diff", "../outside"])).toMatchObject({
      exitCode: 64,
      error: { message: expect.stringContaining("lies outside") },
    });
    expect(project.json(["status", "-C", "missing"])).toMatchObject({
      exitCode: 64,
      error: { code: "DRAFT_ROOT_MISSING" },
    });
    expect(project.json(["status", "--frob"])).toMatchObject({
      exitCode: 64,
      error: { code: "USAGE", message: "unknown option '--frob'" },
    });
    expect(project.draftfs(["run", "--frob", "--", "x", "--json"]).out).toBe("");
  });

  it("may name a file of other JSON as a plan: it is told to be none", () => {
    project.write("package.json", '{"name":"x"}');
    const { code, err } = project.draftfs(["apply", "package.json"]);
    expect(code).toBe(64);
    expect(err).toContain("it is none of draftfs");
    expect(err).not.toContain('"name"');
  });

  it("may name a file that cannot be written: it is called by its name", () => {
    const { code, err } = project.draftfs(["plan", "-o", "missing/plan.json"]);
    expect(code).toBe(1);
    expect(err).toBe(
      "draftfs: Cannot write missing/plan.json: ENOENT: no such file or directory, open 'missing/plan.json'\n",
    );
  });

  it("that ask for a state that is there already are answered: exit 0", () => {
    project.run("echo x > x");
    project.draftfs(["commit"]);
    const { code, out } = project.draftfs(["restore", "latest"]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining("Nothing to restore") });
    expect(project.draftfs(["restore", "latest", "--dry-run"]).out).toContain("Nothing would");
    expect(project.json(["restore", "latest"])).toMatchObject({ exitCode: 0, changes: [] });
    expect(project.json(["log"])["checkpoints"]).toHaveLength(1);
  });
});

const nobody = 65534;

/** Runs the command line as somebody without rights. */
function asUser(args: readonly string[]): { code: number; out: string; err: string } {
  const own = [process.execPath, commandLinePath, ...args];
  const drop = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  const [program = "", ...rest] = isRoot ? [...drop, ...own] : own;
  // Whoever runs the tests has a home that is closed to others.
  const env = { ...process.env, HOME: isRoot ? "/nonexistent" : process.env["HOME"] };
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8", cwd: "/", env });
  return { code: status ?? 255, out: stdout, err: stderr };
}

/** Makes a directory and all that is in it theirs. */
function giveAway(directory: string): void {
  if (!isRoot) return;
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" });
  for (const name of ["", ...names]) fs.lchownSync(join(directory, name), nobody, nobody);
}
