import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SessionOptions } from "../../src/sandbox/session-options.ts";
import { allEngines, openOver, treeOf } from "./sandbox-fixture.ts";

const secrets = [
  "GH_TOKEN",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "my_api_key",
  "PASSWORD",
];
const ordinary = ["DATABASE_URL", "TOKENIZER", "KEYBOARD", "AWS_REGION"];

beforeEach(() => {
  for (const name of [...secrets, ...ordinary]) process.env[name] = "value";
  process.env["SSH_AUTH_SOCK"] = "/run/agent.sock";
});
afterEach(() => {
  for (const name of [...secrets, ...ordinary, "SSH_AUTH_SOCK"]) delete process.env[name];
});

describe.each(allEngines)("the environment of a command over engine %s", (engine) => {
  it("has no variable that is a secret by its name or leads to the host's sockets", async () => {
    const { sh } = await openOver(treeOf({}), { engine });
    const said = await sh("env");
    for (const name of [...secrets, "SSH_AUTH_SOCK"]) expect(said).not.toContain(`${name}=`);
    for (const name of ordinary) expect(said).toContain(`${name}=value\n`);
  });

  it("has what the caller names himself", async () => {
    const env = { PATH: process.env["PATH"], GH_TOKEN: "session" };
    const { session } = await openOver(treeOf({}), { engine, env });
    const script = '[ "$GH_TOKEN" = session ] && [ "$NPM_TOKEN" = command ] && [ -z "$PASSWORD" ]';
    const options = { stdio: "ignore", env: { NPM_TOKEN: "command" } } as const;
    expect(await session.run("sh", ["-c", script], options)).toMatchObject({ exitCode: 0 });
  });
});

const contained: readonly SessionOptions[] = [
  { outside: "read-only" },
  { home: "discard" },
  { temporary: "private" },
  { network: "off" },
  { sockets: "masked" },
  { denyRead: [".env"] },
];

describe("a copy of the tree", () => {
  it.each(contained)("refuses to contain a command by %j", async (options) => {
    const { session } = await openOver(treeOf({}), { engine: "clone", ...options });
    await expect(session.run("true")).rejects.toMatchObject({
      code: "DRAFT_ISOLATION",
      message: expect.stringContaining("contains nothing"),
    });
  });

  it("runs one that is not contained, as was asked for", async () => {
    const options = { outside: "open", network: "on", sockets: "shared", home: "open" } as const;
    const { sh } = await openOver(treeOf({}), { engine: "clone", ...options });
    expect(await sh('echo "$SSH_AUTH_SOCK"')).toBe("/run/agent.sock\n");
  });
});
