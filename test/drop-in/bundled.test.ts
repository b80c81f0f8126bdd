import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, it, onTestFinished } from "vitest";
import { projectDirectory } from "../support/project-directory.ts";

const program = (source: string) => `
import { openOverlay } from ${JSON.stringify(source)};
import { readFileSync } from "node:fs";
openOverlay(process.argv[2]).then(async (overlay) => {
  overlay.fs.writeFileSync("a", "1");
  await overlay.commit();
  await overlay.close();
  process.stdout.write(readFileSync(process.argv[2] + "/a", "utf8"));
}).catch((error) => process.stdout.write(error.code));
`;

it("works in a bundle of CommonJS that tells nothing in import.meta, as esbuild's", async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), "draftfs-bundled-"));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  const input = join(directory, "program.ts");
  fs.writeFileSync(input, program(join(projectDirectory(), "src/index.ts")));
  const bundle = await rolldown({
    input,
    platform: "node",
    external: ["koffi", "memfs", "unionfs"],
    transform: { target: "es2023", define: { "import.meta.url": "undefined" } },
    logLevel: "silent",
  });
  const file = join(directory, "program.cjs");
  await bundle.write({ file, format: "cjs", codeSplitting: false });
  await bundle.close();
  const root = join(directory, "root");
  fs.mkdirSync(root);
  const run = () => execFileSync(process.execPath, [file, root], { encoding: "utf8" });
  fs.writeFileSync(join(root, "safety_config.yaml"), "safety: { nonsense: 1 }");
  expect(run(), "the configuration is read").toBe("DRAFT_CONFIG");
  fs.writeFileSync(join(root, "safety_config.yaml"), "safety: { validation: { pre_write: true } }");
  expect(run()).toBe("1");
});
