import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\ntwo\n", "lib/b.txt": "b\n", ".env": "SECRET=1\n" });
});
afterEach(() => project[Symbol.dispose]());

const sh = (script: string) => ["--", "sh", "-c", script];

interface RunDocument {
  readonly command: Readonly<Record<string, unknown>>;
  readonly files: readonly Readonly<Record<string, unknown>>[];
  readonly totals: Readonly<Record<string, unknown>>;
  readonly patch: string;
}

describe("draftfs run --json", () => {
  it("tells what the command changed, lines and bytes of each file, and the patch", () => {
    project.run("echo earlier > earlier.txt");
    const script = "echo three >> a.txt; rm lib/b.txt; printf '\\0\\1' > binary";
    const outcome = project.draftfs(["run", "--json", ...sh(script)]);
    const document = JSON.parse(outcome.out) as RunDocument;
    expect(document.command).toMatchObject({
      exitCode: 0,
      signal: null,
      isolation: "enforced",
      limits: [],
      changes: [
        { path: "a.txt", kind: "file" },
        { path: "binary", kind: "file" },
        { path: "lib/b.txt", kind: "removed" },
      ],
    });
    const file = (path: string, kind: string, ...figures: (number | null)[]) => {
      const [insertions, deletions, bytesBefore, bytesAfter] = figures;
      return { path, kind, insertions, deletions, bytesBefore, bytesAfter };
    };
    expect(document.files).toEqual([
      file("a.txt", "modify", 1, 0, 8, 14),
      file("binary", "create", null, null, null, 2),
      file("earlier.txt", "create", 1, 0, null, 8),
      file("lib/b.txt", "delete", 0, 1, 2, null),
    ]);
    expect(document.totals).toMatchObject({ added: 2, modified: 1, deleted: 1 });
    execFileSync("git", ["apply", "-"], { cwd: project.root, input: document.patch });
    expect(project.read("a.txt")).toBe("one\ntwo\nthree\n");
    expect(project.read("earlier.txt")).toBe("earlier\n");
  });
});

describe("draftfs diff --by-command", () => {
  it("gives a section for each command, as a whole a patch that git applies", () => {
    project.run("echo three >> a.txt; echo n > n");
    project.run("rm lib/b.txt");
    const { out, code } = project.draftfs(["diff", "--by-command"]);
    expect(code).toBe(2);
    expect(out.match(/^# .*/gm)).toEqual([
      expect.stringMatching(
        /^# 1: sh -c echo three >> a\.txt; echo n > n \(exit 0, .*, 2 paths\)$/,
      ),
      expect.stringMatching(/^# 2: sh -c rm lib\/b\.txt \(exit 0, .*, 1 path\)$/),
    ]);
    const { parts } = project.json(["diff", "--by-command", "--stat"]) as unknown as {
      parts: { command: { id: number }; changes: { path: string }[] }[];
    };
    expect(parts.map(({ command, changes }) => [command.id, changes.length])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    execFileSync("git", ["apply", "-"], { cwd: project.root, input: out });
    expect(project.tree()).toMatchObject({ "a.txt": "one\ntwo\nthree\n", n: "n\n" });
    expect(project.tree()["lib/b.txt"]).toBeUndefined();
  });
});

describe("the options of draftfs run that contain a command", () => {
  it("end it after a time, and say so", () => {
    const outcome = project.draftfs(["run", "--timeout", "0.2", "--", "sleep", "60"]);
    expect(outcome.code).toBe(143);
    expect(outcome.err).toMatch(/limit of time was reached/);
  });

  it("end it when its processor time is used up, and say what may have done so", () => {
    const outcome = project.draftfs(["run", "--limit-cpu", "1", ...sh("while :; do :; done")]);
    expect(outcome.code).toBe(137);
    expect(outcome.err).toMatch(/SIGKILL\. Its limit of 1 s of processor time may have/);
  });

  it("bound what it writes, say how to raise that, and refuse to where there is no bound", () => {
    const script = "echo small > small; head -c 9000000 /dev/zero > big";
    const outcome = project.draftfs(["run", "--limit-writes", "4M", ...sh(script)]);
    expect(outcome.code).not.toBe(0);
    expect(outcome.err).toMatch(/ENOSPC\. Raise that limit with --limit-writes,/);
    expect(project.draftfs(["status"]).out).toContain("A\t1\t0\tsmall\n");
    const enough = project.draftfs(["run", "--limit-writes", "64M", ...sh(script)]);
    expect(enough.code).toBe(0);
    const copy = ["--engine", "clone", "--require", "cooperative"];
    const refused = project.draftfs(["run", ...copy, "--limit-writes", "4M", "--", "true"]);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("a bound on what is written");
  });

  it("limit it, and the document says what enforces each limit", () => {
    const limits = ["--limit-memory", "512M", "--limit-cpu", "50", "--limit-file", "1K"];
    const script = "head -c 5000 /dev/zero > big; wc -c < big >&2";
    const outcome = project.draftfs(["run", "--json", ...limits, ...sh(script)]);
    const { command, files } = JSON.parse(outcome.out) as RunDocument;
    expect(command["limits"]).toMatchObject([
      { resource: "memory", amount: 512 * 1024 * 1024 },
      { resource: "processor", amount: 50, by: "prlimit", scope: "process" },
      { resource: "file", amount: 1024, by: "prlimit", scope: "process" },
    ]);
    expect(files).toMatchObject([{ path: "big", bytesAfter: 1024 }]);
  });

  it("take the network and secrets away", () => {
    const script = "cat .env; ls /sys/class/net; grep -c : /proc/net/dev; cat a.txt";
    const options = ["--net", "off", "--deny-read", ".env", "--deny-read", "lib"];
    const { out } = project.draftfs(["run", ...options, ...sh(`${script}; cat lib/b.txt`)]);
    expect(out).not.toMatch(/SECRET|^b$/m);
    expect(out).toMatch(/^1\none\ntwo\n$/m);
  });

  it.runIf(process.geteuid?.() === 0)(
    "say why the home directory is read-only where mounts lie in it, when a command fails",
    () => {
      const home = project.beside("home");
      mkdirSync(`${home}/mounted`, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "draftfs-test", `${home}/mounted`]);
      try {
        const run = (script: string) =>
          project.draftfs(["run", ...sh(script)], { env: { HOME: home } });
        const failed = run("echo x > ~/cache");
        expect(failed.code).not.toBe(0);
        expect(failed.err).toMatch(/home directory .*home holds mounts.*read-only/);
        expect(run("true").err).not.toContain("home directory");
      } finally {
        execFileSync("umount", [`${home}/mounted`]);
      }
    },
  );

  it("choose the engine, and the error of a rename that only another one can do names that", () => {
    execFileSync("git", ["init", "--quiet", project.root]);
    execFileSync("git", ["add", "."], { cwd: project.root });
    const move = (to: string) => ["run", "--engine", "overlay-user", "--", "git", "mv", "lib", to];
    const { code, err } = project.draftfs(move("moved"));
    expect(code).not.toBe(0);
    expect(err).toMatch(/Invalid cross-device link[\s\S]*--engine fuse can/);
    const other = project.draftfs(["run", "--engine", "overlay-user", ...sh("exit 3")]);
    expect(other.err).not.toContain("fuse");
  });

  it("choose the engine, and a copy is refused unless less isolation will do", () => {
    expect(project.draftfs(["run", "--engine", "clone", "--", "true"]).code).toBe(4);
    const lax = ["--engine", "clone", "--require", "cooperative"];
    const { code, err } = project.draftfs(["run", ...lax, "--", "true"]);
    expect(code).toBe(0);
    expect(err).toMatch(/cooperative.*absolute path/);
  });

  it.each([
    ["--timeout", "0"],
    ["--limit-memory", "many"],
    ["--limit-cpu", "1.5"],
    ["--limit-processes", "-1"],
    ["--limit-writes", "some"],
    ["--net", "maybe"],
    ["--engine", "docker"],
  ])("are refused when they make no sense: %s %s", (option, value) => {
    const { code, err } = project.draftfs(["run", option, value, "--", "true"]);
    expect(code).toBe(64);
    expect(err).toContain(option);
  });
});

describe("draftfs run --env", () => {
  it("passes what would not pass, sets, and takes away", () => {
    const env = { GH_TOKEN: "secret", OTHER_TOKEN: "secret", PLAIN: "plain" };
    const options = ["--env", "GH_TOKEN", "--env", "SET=a=b", "--unset-env", "PLAIN"];
    const script = 'echo "$GH_TOKEN,$OTHER_TOKEN,$SET,$PLAIN"';
    const { out } = project.draftfs(["run", ...options, ...sh(script)], { env });
    expect(out).toMatch(/^secret,,a=b,\n/);
  });
});
