import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

/** Past a gap: Node closes those that it was started with only up to the first one. */
const farDescriptor = 200;

let project: ScratchProject;
let opened: number[];

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "real\n" });
  opened = [];
});
afterEach(() => {
  for (const descriptor of opened) fs.closeSync(descriptor);
  project[Symbol.dispose]();
});

/** Runs a script with streams of this process, by the number that they get. */
function runWith(
  streams: Readonly<Record<number, number>>,
  script: string,
): SpawnSyncReturns<string> {
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  for (const [number, descriptor] of Object.entries(streams)) {
    while (stdio.length < Number(number)) stdio.push("ignore");
    stdio[Number(number)] = descriptor;
  }
  const words = [commandLinePath, "run", "--", "sh", "-c", script];
  return spawnSync(process.execPath, words, { cwd: project.root, stdio, encoding: "utf8" });
}

function open(path: string, flags: number): number {
  const descriptor = fs.openSync(path, flags);
  opened.push(descriptor);
  return descriptor;
}

const { O_RDONLY, O_RDWR, O_DIRECTORY } = fs.constants;

describe("streams of a command", () => {
  it("do not hold the tree through a directory that the caller had open", () => {
    const directory = open(project.root, O_RDONLY | O_DIRECTORY);
    const script = `echo x >/proc/self/fd/${farDescriptor}/a.txt; ls -l /proc/self/fd /proc/1/fd`;
    const { stdout } = runWith({ [farDescriptor]: directory }, script);
    expect(project.read("a.txt")).toBe("real\n");
    expect(stdout).toMatch(/self/);
    expect(stdout).not.toContain(project.root);
  });

  it("do not hold the tree through a file that the caller had open", () => {
    const file = open(project.path("a.txt"), O_RDWR);
    runWith({ [farDescriptor]: file }, `echo x >/proc/self/fd/${farDescriptor}`);
    expect(project.read("a.txt")).toBe("real\n");
  });

  it("give a file as input through a pipe, so that it cannot be opened for writing", () => {
    const file = open(project.path("a.txt"), O_RDONLY);
    const { stdout } = runWith({ 0: file }, "cat; : >/dev/stdin; echo x >/proc/self/fd/0");
    expect(stdout).toMatch(/^real\n/);
    expect(project.read("a.txt")).toBe("real\n");
  });

  it("give large input whole, and let a command end before it has read it", () => {
    fs.writeFileSync(project.path("large"), Buffer.alloc(1_000_000, "x"));
    const whole = runWith({ 0: open(project.path("large"), O_RDONLY) }, "wc -c");
    expect(whole.stdout).toMatch(/^\s*1000000\n/);
    const partly = runWith({ 0: open(project.path("large"), O_RDONLY) }, "head -c 3");
    expect(partly).toMatchObject({ status: 0 });
    expect(partly.stdout).toMatch(/^xxx/);
  });

  it.each([0, 2])("may not be a directory, as number %i", (number) => {
    const directory = open(project.root, O_RDONLY | O_DIRECTORY);
    const outcome = runWith({ [number]: directory }, `echo x >/proc/self/fd/${number}/a.txt`);
    expect(outcome.status).not.toBe(0);
    expect(project.read("a.txt")).toBe("real\n");
  });

  it("may not be a file for reading where output goes", () => {
    const file = open(project.path("a.txt"), O_RDONLY);
    expect(runWith({ 2: file }, "echo x >/dev/stderr").status).not.toBe(0);
    expect(project.read("a.txt")).toBe("real\n");
  });
});
