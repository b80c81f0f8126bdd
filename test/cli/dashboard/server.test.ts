import { once } from "node:events";
import { request } from "node:http";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isLoopback, isOwnHost } from "../../../src/cli/dashboard/access.ts";
import type { DashboardState } from "../../../src/cli/dashboard/dashboard-state.ts";
import { ProjectWatch } from "../../../src/cli/dashboard/project-watch.ts";
import { type Dashboard, serveDashboard } from "../../../src/cli/dashboard/server.ts";
import { NodeDisk } from "../../../src/disk/node/node-disk.ts";
import { keptDirectory, plant } from "../../engines/support/plain-overlay.ts";
import { removeTree } from "../../support/remove-tree.ts";
import { EventReader } from "./event-reader.ts";

let root: string;
let watch: ProjectWatch;
let dashboard: Dashboard;

beforeEach(async () => {
  root = keptDirectory();
  watch = new ProjectWatch({ root, disk: new NodeDisk() });
  dashboard = await serveDashboard(watch, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await dashboard[Symbol.asyncDispose]();
  removeTree(root);
});

/** The address of a route, with the token. */
function addressOf(route: string): string {
  return dashboard.url.replace("/?", `/${route}?`);
}

/** Asks with any `Host` and method, which `fetch` does not allow. */
async function ask(
  url: string,
  options: { host?: string; method?: string } = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const headers = options.host === undefined ? {} : { host: options.host };
  const asked = request(url, { method: options.method ?? "GET", headers, agent: false });
  asked.end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, headers: response.headers };
}

describe("the server of the dashboard", () => {
  it("serves the page, which needs nothing from elsewhere and may do little", async () => {
    const response = await fetch(dashboard.url);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain(`<title>draftfs – ${root}</title>`);
    expect(text).toContain("Nothing was measured.");
    expect(text).not.toMatch(/https?:|\bsrc=/);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+';/);
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("serves the state as a value, and nothing else", async () => {
    const response = await fetch(addressOf("state"));
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(await watch.look())));
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect((await fetch(addressOf("other"))).status).toBe(404);
    expect((await fetch(addressOf("state"), { method: "POST" })).status).toBe(405);
    expect((await ask(addressOf("state"), { method: "OPTIONS" })).status).toBe(405);
  });

  it.each(["", "state", "events"])("refuses /%s without the token", async (route) => {
    const bare = `http://127.0.0.1:${dashboard.port}/${route}`;
    for (const address of [bare, `${bare}?token=`, `${addressOf(route)}x`]) {
      const { status, text } = await ask(address);
      expect(status).toBe(403);
      expect(text).not.toContain(root);
    }
  });

  it.each(["", "state", "events"])("refuses /%s under a name that is not ours", async (route) => {
    for (const host of ["evil.example", `evil.example:${dashboard.port}`, "127.0.0.1.evil"]) {
      const { status, text } = await ask(addressOf(route), { host });
      expect({ host, status }).toEqual({ host, status: 403 });
      expect(text).not.toContain(root);
    }
  });

  it("answers under the names of this machine, through a tunnel too", async () => {
    for (const host of ["localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST"]) {
      expect(await ask(addressOf("state"), { host })).toMatchObject({ status: 200 });
    }
  });

  it("begins a stream with what there is, and tells of each change, as state and as view", async () => {
    await using events = await EventReader.open(addressOf("events"));
    const first = await events.next("state");
    expect((JSON.parse(first) as DashboardState).alerts).toEqual({ active: [] });
    plant(root, { "metrics_config.yaml": "alerts: { enabled: false }" });
    await events.until("state", (text) => text.includes('"hiddenBy":"alerts.enabled"'));
    await events.until("view", (text) => text.includes("alerts.enabled is false"));
  });

  it("serves no more streams than it can", async () => {
    const open = await Promise.all(
      Array.from({ length: 32 }, () => EventReader.open(addressOf("events"))),
    );
    expect((await fetch(addressOf("events"))).status).toBe(503);
    for (const events of open) await events[Symbol.asyncDispose]();
  });

  it("ends its streams when it ends", async () => {
    await using events = await EventReader.open(addressOf("events"));
    await events.next("view");
    await dashboard[Symbol.asyncDispose]();
    await events.end();
    dashboard = await serveDashboard(watch, { host: "127.0.0.1", port: 0 });
  });

  it("says what to do where the port is taken or the address not ours", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(serveDashboard(watch, { host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "EADDRINUSE",
      message: `Cannot serve the dashboard at 127.0.0.1, port ${port}: the port is taken. Name another one, or 0 for any that is free: --port 0.`,
    });
    other.close();
    await expect(serveDashboard(watch, { host: "192.0.2.1", port: 0 })).rejects.toThrow(
      /this machine has no such address/,
    );
  });
});

describe("who may ask", () => {
  it("is known by numeric addresses, local names, and the one that was given", () => {
    const own = ["127.0.0.1:80", "10.1.2.3", "[::1]", "localhost:1", "Box.example:80"];
    expect(own.filter((host) => !isOwnHost(host, "box.example"))).toEqual([]);
    const others = [
      "box.example",
      "127.0.0.1@evil:80",
      "a:80:80",
      "[evil]",
      "1.2.3",
      "",
      undefined,
    ];
    expect(others.filter((host) => isOwnHost(host, "127.0.0.1"))).toEqual([]);
  });

  it("is this machine alone at a loopback address", () => {
    const all = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "10.0.0.1"];
    expect(all.filter(isLoopback)).toEqual(all.slice(0, 4));
  });
});
