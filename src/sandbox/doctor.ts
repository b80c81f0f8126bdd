import { execFile } from "node:child_process";
import { release } from "node:os";
import { isAbsolute } from "node:path";
import { mountsInside, readMountTable } from "../disk/mount-table.ts";
import { reasonOf } from "../errors.ts";
import { openLayer } from "../overlay/layer.ts";
import { findProgram, RunningCommand } from "./command/command.ts";
import { enginesOfSystem, startEngine } from "./engine/engine-choice.ts";
import { LentContents } from "./harvest/lent-contents.ts";
import { toolPath } from "./namespace/namespace.ts";
import { RemediesTold, remedyFor, seeDoctor } from "./sandbox-error.ts";
import type { Engine, Isolation } from "./session-options.ts";
import { kindOfError } from "./start-failure.ts";

/** What one engine can do for a tree, found out by using it. */
export interface EngineReport {
  readonly engine: Engine;
  readonly isolation: Isolation;
  readonly works: boolean;
  /** Milliseconds until the first command could run. */
  readonly startMs: number;
  /** Why it does not work, in the words of the tool that failed. */
  readonly reason: string | undefined;
  /** What to install or allow. */
  readonly remedy: string | undefined;
  /** What it does differently from the real disk, for this tree. */
  readonly notes: readonly string[];
}

/** What isolation this system offers for one tree. */
export interface SandboxReport {
  readonly root: string;
  readonly platform: string;
  readonly kernel: string;
  readonly uid: number | undefined;
  /** The engine that `run` takes; `undefined` when none enforces isolation. */
  readonly chosen: Engine | undefined;
  readonly engines: readonly EngineReport[];
  /** Programs that the engines use, and where they are; `undefined` when they are missing. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  /** Mounts inside the tree, which no overlay shows. */
  readonly mounts: readonly string[];
  /** Some files that belong to another user or group; at most ten. */
  readonly foreign: readonly string[];
}

const programs = ["unshare", "nsenter", "mount", "tar", "prlimit", "ip", "cp"];

/** Longest time that is spent on looking for foreign owners, in milliseconds. */
const ownerSearchMs = 3000;

/** Examines what isolation this system offers for the tree at `root`. Changes nothing. */
export async function examineSandbox(root: string): Promise<SandboxReport> {
  const engines: EngineReport[] = [];
  for (const engine of enginesOfSystem()) engines.push(await examineEngine(root, engine));
  const chosen = engines.find(({ works, isolation }) => works && isolation === "enforced");
  const path = toolPath(process.env["PATH"]);
  const found = programs.map((name) => {
    const place = findProgram(name, path);
    return [name, isAbsolute(place) ? place : undefined] as const;
  });
  const isLinux = process.platform === "linux";
  return {
    root,
    platform: process.platform,
    kernel: release(),
    uid: process.geteuid?.(),
    chosen: chosen?.engine,
    engines,
    programs: Object.fromEntries(found),
    mounts: isLinux ? mountsInside(readMountTable(), root).map((mount) => mount.path) : [],
    foreign: await foreignFiles(root),
  };
}

/** The report as text for a terminal. */
export function describeReport(report: SandboxReport): string {
  const lines = [
    `${report.platform}, kernel ${report.kernel}, user ${report.uid ?? "unknown"}`,
    `tree: ${report.root}`,
    "",
  ];
  const told = new RemediesTold();
  for (const engine of report.engines) {
    const mark = engine.engine === report.chosen ? "*" : " ";
    const state = engine.works ? `works (${engine.startMs} ms)` : "does not work";
    lines.push(`${mark} ${engine.engine} (${engine.isolation}): ${state}`);
    if (engine.reason !== undefined) lines.push(`    ${engine.reason}`);
    if (engine.remedy !== undefined) lines.push(told.linesOf(engine.engine, engine.remedy));
    for (const note of engine.notes) lines.push(`    note: ${note}`);
  }
  lines.push("");
  for (const [name, place] of Object.entries(report.programs)) {
    if (place === undefined) lines.push(`missing: ${name} (${purposes[name] ?? ""})`);
  }
  for (const mount of report.mounts) lines.push(`mount inside the tree: ${mount}`);
  for (const path of report.foreign) lines.push(`belongs to someone else: ${path}`);
  if (report.chosen === undefined) {
    lines.push(
      "No engine enforces isolation: `run` refuses unless --require cooperative is given.",
    );
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

const purposes: Readonly<Record<string, string>> = {
  unshare: "util-linux; without it there is no overlay",
  nsenter: "util-linux; without it there is no overlay",
  mount: "util-linux; without it there is no overlay",
  tar: "GNU tar; root's directory renames need it",
  prlimit: "util-linux; limits need it",
  ip: "iproute2; without it `--net off` has no loopback",
  cp: "coreutils; the engine `clone` needs it",
};

async function examineEngine(root: string, engine: Engine): Promise<EngineReport> {
  const isolation: Isolation = engine === "clone" ? "cooperative" : "enforced";
  const unknown = { engine, isolation, reason: undefined, remedy: undefined, notes: [] };
  // Copying the tree to find out that it can be copied would take too long.
  if (engine === "clone") return { ...unknown, works: true, startMs: 0 };
  const layer = openLayer({ root });
  const contents = new LentContents();
  const startedMs = Date.now();
  try {
    const workspace = await startEngine(engine, { layer, contents, options: { engine } });
    try {
      const line = workspace.lineOf(["true"], root);
      const env = workspace.environmentOf(root, {});
      const end = await new RunningCommand(line, { stdio: "ignore", env }).ended;
      if (end.exitCode !== 0) throw new Error(`a command could not be run (${end.exitCode})`);
      const startMs = Date.now() - startedMs;
      return { ...unknown, works: true, startMs, notes: workspace.notes };
    } finally {
      await workspace.stop();
    }
  } catch (error) {
    const reason = reasonOf(error);
    const startMs = Date.now() - startedMs;
    const remedy = remedyFor(kindOfError(error));
    // Whoever reads this has followed that one.
    const isKnown = remedy !== seeDoctor;
    return { ...unknown, works: false, startMs, reason, remedy: isKnown ? remedy : undefined };
  } finally {
    contents.close();
    layer.close();
  }
}

/** Files that an unprivileged user can run into; root has no such limit. */
function foreignFiles(root: string): Promise<string[]> {
  const uid = process.geteuid?.();
  if (uid === undefined || uid === 0) return Promise.resolve([]);
  const others = [
    "(",
    "!",
    "-uid",
    String(uid),
    "-o",
    "!",
    "-gid",
    String(process.getegid?.()),
    ")",
  ];
  return new Promise((resolve) => {
    const args = [root, "-xdev", ...others, "-print"];
    execFile("find", args, { timeout: ownerSearchMs, maxBuffer: 1 << 16 }, (_, output) => {
      resolve(output.split("\n").filter(Boolean).slice(0, 10));
    });
  });
}
