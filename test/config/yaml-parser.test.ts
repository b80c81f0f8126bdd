import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";

beforeAll(buildCommandLine);

const program = (engines: string) => `
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { effectiveConfig } from ${JSON.stringify(engines)};
const root = process.argv[1];
const tell = () => console.log(
  Object.keys(createRequire(root + "/x").cache).some((file) => file.includes("/yaml/")),
);
tell();
effectiveConfig({ root });
tell();
writeFileSync(root + "/safety_config.yaml", "safety: { validation: { pre_write: false } }");
console.log(effectiveConfig({ root }).values["safety.validation.pre_write"]);
tell();
`;

test("the engines load the parser of configuration files for the first file that there is", () => {
  const root = mkdtempSync(join(tmpdir(), "draftfs-parser-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const engines = pathToFileURL(join(projectDirectory(), "dist/engines.js")).href;
  const args = ["--input-type=module", "--eval", program(engines), root];
  const said = execFileSync(process.execPath, args, { encoding: "utf8" });
  expect(said.split("\n")).toEqual(["false", "false", "false", "true", ""]);
});
