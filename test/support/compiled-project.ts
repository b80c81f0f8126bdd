import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { type CompiledSource, compiledNameOf } from "./compiled-sources.ts";
import { projectDirectory } from "./project-directory.ts";

/** A directory that no file has begun to use for so long is nobody's any more; tests take minutes. */
const unusedMsMax = 3 * 3_600_000;

/**
 * Parts of this project as plain JavaScript, for tests that start processes of their own: Node 20
 * does not run TypeScript. Bundled as `dist` is, into a directory below `node_modules/.cache`, so
 * that packages resolve as usual. Nobody writes there; it is named after the content of the sources,
 * so that one is enough for all test files.
 */
export class CompiledProject {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static build(): CompiledProject {
    const cache = join(projectDirectory(), "node_modules", ".cache", "draftfs");
    fs.mkdirSync(cache, { recursive: true });
    const directory = join(cache, `compiled-${sourcesId()}`);
    if (!fs.existsSync(directory)) {
      removeUnused(cache);
      const building = compileBelow(cache);
      try {
        fs.renameSync(building, directory);
      } catch (error) {
        // Another test file was faster.
        if (!fs.existsSync(directory)) throw error;
        fs.rmSync(building, { recursive: true, force: true });
      }
    }
    fs.utimesSync(directory, new Date(), new Date());
    return new CompiledProject(directory);
  }

  /** The compiled form of a source file. */
  pathOf(source: CompiledSource): string {
    return join(this.#directory, `${compiledNameOf(source)}.js`);
  }

  /**
   * Runs a program of this project to its end in a mount namespace of its own, where no other
   * process can hold on to its mounts. Root only. Its error output passes through.
   *
   * @returns what it printed.
   */
  runInMountNamespace(source: CompiledSource, args: readonly string[]): string {
    const command = ["--mount", "--propagation", "private", process.execPath];
    return execFileSync(
      "unshare",
      [...command, "--enable-source-maps", this.pathOf(source), ...args],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 * 1024 * 1024 },
    );
  }
}

/** What all that is compiled hangs on, as a name. */
function sourcesId(): string {
  const root = projectDirectory();
  const hash = createHash("sha1").update(root);
  const folders = ["src", "test", "property-tests", "bench"];
  const sources = folders.flatMap((folder) =>
    fs
      .readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.includes("node_modules"))
      .map((path) => join(folder, path)),
  );
  for (const path of [...sources.sort(), "tsconfig.json", "package-lock.json"]) {
    hash.update(`\0${path}\0`).update(fs.readFileSync(join(root, path)));
  }
  return hash.digest("hex");
}

function compileBelow(cache: string): string {
  const directory = fs.mkdtempSync(join(cache, "building-"));
  const root = projectDirectory();
  const bundler = join(root, "node_modules", "rolldown", "bin", "cli.mjs");
  const config = join(root, "test", "support", "rolldown.config.ts");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [bundler, "--config", config, "--dir", directory],
    { cwd: root, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`the tests' programs did not compile:\n${stdout}${stderr}`);
  // Below `node_modules`, Node does not find the project's own package.json.
  fs.writeFileSync(join(directory, "package.json"), '{"type":"module"}\n');
  return directory;
}

function removeUnused(cache: string): void {
  for (const name of fs.readdirSync(cache)) {
    const path = join(cache, name);
    const usedMs = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (!/^(compiled|building)-/.test(name) || Date.now() - usedMs < unusedMsMax) continue;
    fs.rmSync(path, { recursive: true, force: true });
  }
}
