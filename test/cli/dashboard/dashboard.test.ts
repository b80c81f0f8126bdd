import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DashboardState } from "../../../src/cli/dashboard/dashboard-state.ts";
import { buildCommandLine, startDraftfs } from "../../support/built-command-line.ts";
import { ScratchProject } from "../scratch-project.ts";
import { EventReader } from "./event-reader.ts";

let project: ScratchProject;
const children: ChildProcessWithoutNullStreams[] = [];

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n" });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  project[Symbol.dispose]();
});

/** Starts a dashboard and waits for its first line. */
async function start(args: readonly string[], cwd = project.root) {
  const child = startDraftfs(["dashboard", ...args], { cwd });
  children.push(child);
  const ended = once(child, "close") as Promise<[number | null, string | null]>;
  let [out, err] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  while (!out.includes("\n") && child.exitCode === null) {
    await Promise.race([once(child.stdout, "data"), ended]);
  }
  const says = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(err)) await once(child.stderr, "data");
  };
  return { child, ended, says, out: () => out, err: () => err };
}

const routeOf = (url: string, route: string) => url.trim().replace("/?", `/${route}?`);

describe("draftfs dashboard", () => {
  it("prints its address, only looks, and ends with 0 by Ctrl-C and SIGTERM", async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const { child, ended, out, err } = await start([]);
      expect(out()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}\n$/);
      await using events = await EventReader.open(routeOf(out(), "events"));
      await events.next("view");
      expect(fs.existsSync(project.path(".draftfs"))).toBe(false);
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
      expect(err()).toBe(`draftfs: the dashboard of ${project.root}. Ctrl-C ends it.\n`);
    }
  });

  it("shows what another process has measured and left pending, when that happens", async () => {
    const { out } = await start(["--json"]);
    const { url, root, port, host } = JSON.parse(out()) as Record<string, string>;
    expect({ root, host }).toEqual({ root: project.root, host: "127.0.0.1" });
    expect(out()).toContain(`:${port}/`);
    await using events = await EventReader.open(routeOf(url as string, "events"));
    await events.next("state");
    project.run("echo two > a.txt");
    expect(project.draftfs(["commit"]).code).toBe(0);
    const data = await events.until("state", (text) => text.includes('"operation":"commit"'));
    const { windows, recent } = JSON.parse(data) as DashboardState;
    expect(windows.day).toMatchObject({ operations: 2, bytesWritten: 4, failed: 0 });
    expect(windows.day.safety).toMatchObject({ integrityChecks: 1, integrityFailureRate: 0 });
    expect(recent.map(({ operation }) => operation)).toEqual(["commit", "run"]);
    project.run("echo three > a.txt");
    const pending = await events.until("state", (text) => text.includes('"name":"main"'));
    expect((JSON.parse(pending) as DashboardState).drafts).toMatchObject([{ entries: 1 }]);
    const state = await (await fetch(routeOf(url as string, "state"))).json();
    expect(state).toMatchObject({ root: project.root, drafts: [{ name: "main" }] });
  });

  it("works with a root of an odd name, and shows it as text", async () => {
    const odd = project.beside(`<script>alert("1")</script> & 'ü\u001b[31m\n`.replaceAll("/", "-"));
    fs.mkdirSync(odd);
    const { out, err } = await start(["--json"], odd);
    const { url, root } = JSON.parse(out()) as Record<string, string>;
    expect(root).toBe(odd);
    const page = await (await fetch(url as string)).text();
    expect(page).toContain(
      "&lt;script&gt;alert(&quot;1&quot;)&lt;-script&gt; &amp; &#39;ü\\x1b[31m",
    );
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(await (await fetch(routeOf(url as string, "state"))).json()).toMatchObject({
      root: odd,
    });
    expect(err()).toBe("");
  });

  it("warns where others can reach it", async () => {
    const { out, err, says } = await start(["--host", "0.0.0.0"]);
    expect(out()).toMatch(/^http:\/\/127\.0\.0\.1:/);
    await says(/warning.*\n/);
    expect(err()).toMatch(/^draftfs: warning: others can reach it\..*not encrypted/m);
  });

  it("refuses a taken port, arguments that mean nothing, and what other commands refuse", async () => {
    const { out } = await start([]);
    const { port } = new URL(out());
    const taken = project.draftfs(["dashboard", "--port", port]);
    expect(taken).toMatchObject({ code: 1, out: "" });
    expect(taken.err).toMatch(/port \d+: the port is taken\. Name another one/);
    expect(project.json(["dashboard", "--port", port])).toMatchObject({
      exitCode: 1,
      error: { code: "EADDRINUSE" },
    });
    for (const bad of ["65536", "-1", "http"]) {
      expect(project.draftfs(["dashboard", "--port", bad]).code).toBe(64);
    }
    expect(project.draftfs(["dashboard", "-C", project.beside("none")]).code).toBe(64);
    project.write("metrics_config.yaml", "alerts: { enabeld: true }\n");
    expect(project.draftfs(["dashboard"])).toMatchObject({ code: 64, out: "" });
  });
});
