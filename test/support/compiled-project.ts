import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";

/**
 * This project as plain JavaScript, for tests that start processes of their own: Node 20 does not
 * run TypeScript. Compiled without type checking of consequence (`npm run typecheck` does that),
 * into a directory of its own below `node_modules/.cache`, so that packages resolve as usual.
 */
export class CompiledProject implements Disposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static build(): CompiledProject {
    const cache = join(projectDirectory(), "node_modules", ".cache", "draftfs");
    fs.mkdirSync(cache, { recursive: true });
    const directory = fs.mkdtempSync(join(cache, "compiled-"));
    // Its exit status tells of type errors; whether the code came out shows when it is used.
    spawnSync(
      process.execPath,
      [
        ...[join(projectDirectory(), "node_modules", "typescript", "bin", "tsc"), "-p", "."],
        ...[
          "--noEmit",
          "false",
          "--noCheck",
          "--declaration",
          "false",
          "--sourceMap",
          "--inlineSources",
        ],
        ...["--rootDir", ".", "--outDir", directory],
      ],
      { cwd: projectDirectory(), stdio: "ignore" },
    );
    // Below `node_modules`, Node does not find the project's own package.json.
    fs.writeFileSync(join(directory, "package.json"), '{"type":"module"}\n');
    return new CompiledProject(directory);
  }

  /** The compiled form of a source file, named from the project's directory. */
  pathOf(source: string): string {
    return join(this.#directory, source.replace(/\.ts$/, ".js"));
  }

  /**
   * Runs a program of this project to its end in a mount namespace of its own, where no other
   * process can hold on to its mounts. Root only. Its error output passes through.
   *
   * @returns what it printed.
   */
  runInMountNamespace(source: string, args: readonly string[]): string {
    const command = ["--mount", "--propagation", "private", process.execPath];
    return execFileSync(
      "unshare",
      [...command, "--enable-source-maps", this.pathOf(source), ...args],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 * 1024 * 1024 },
    );
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}
