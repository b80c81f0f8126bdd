import fs from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject();
});
afterEach(() => project[Symbol.dispose]());

/** Every command has a module; its name is the command's. */
const commands = fs
  .readdirSync(join(projectDirectory(), "src", "cli", "commands"))
  .map((name) => name.replace(".ts", ""));

/** The modules that a command line loads, as paths from `dist`, or names of packages. */
function loadedBy(args: readonly string[]): { out: string; modules: string[] } {
  const log = project.beside("loaded");
  const hooks = project.beside("hooks.mjs");
  fs.writeFileSync(
    hooks,
    `import fs from "node:fs";
     export async function load(url, context, next) {
       fs.appendFileSync(${JSON.stringify(log)}, url + "\\n");
       return next(url, context);
     }`,
  );
  const entry = project.beside("register.mjs");
  fs.writeFileSync(
    entry,
    `import { register } from "node:module";
     register(${JSON.stringify(pathToFileURL(hooks).href)});`,
  );
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(entry).href}` };
  const { code, out } = project.draftfs(args, { env });
  expect(code).toBe(0);
  const dist = pathToFileURL(join(commandLinePath, "..")).href;
  const modules = fs
    .readFileSync(log, "utf8")
    .split("\n")
    .filter((url) => url.startsWith("file:"))
    .map((url) => url.replace(`${dist}/`, "").replace(/^.*\/node_modules\/([^/]+)\/.*/, "$1"));
  return { out, modules: [...new Set(modules)] };
}

/** A file of `dist` is named after the first of the modules in it, and by its content. */
function isOfCommand(name: string): boolean {
  return commands.some((command) => new RegExp(`^${command}-[\\w-]{8}\\.js$`).test(name));
}

function isOfOverlay(name: string): boolean {
  return name.endsWith(".js") && readDist(name).includes("class OverlayDir ");
}

function readDist(name: string): string {
  return fs.readFileSync(join(commandLinePath, "..", name), "utf8");
}

describe("help", () => {
  it("names every command, and loads none of them but only the parser", () => {
    const { out, modules } = loadedBy(["--help"]);
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
    expect(modules).toContain("main.js");
    expect(modules.filter((name) => !name.endsWith(".js"))).toEqual(["commander"]);
    expect(modules.filter(isOfCommand)).toEqual([]);
    expect(modules.filter(isOfOverlay)).toEqual([]);
  });

  it("is loaded with a command's module and all that needs when that is executed", () => {
    const { modules } = loadedBy(["log"]);
    expect(modules.filter(isOfCommand).map((name) => name.replace(/-[\w-]{8}\.js$/, ""))).toEqual([
      "log",
    ]);
    expect(modules.filter(isOfOverlay)).toHaveLength(1);
  });

  it("is there for each command, and so is the version", () => {
    expect(project.draftfs(["commit", "--help"]).out).toContain("--message");
    expect(project.draftfs(["help", "commit"]).out).toContain("--message");
    const { out } = project.draftfs(["run", "--help"]);
    const places = ["--commit", "--require", "--directory", "--help"].map((one) =>
      out.indexOf(one),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(project.draftfs(["--version"]).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
