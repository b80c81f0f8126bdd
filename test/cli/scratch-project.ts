import fs from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { type CallOptions, draftfs, type Outcome } from "../support/built-command-line.ts";

/** A small tree in a temporary directory that the command line works on. */
export class ScratchProject implements Disposable {
  readonly root: string;
  readonly #parent: string;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.#parent = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-cli-")));
    this.root = join(this.#parent, "project");
    fs.mkdirSync(this.root);
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  /** Runs the command line in the root. */
  draftfs(args: readonly string[], options: CallOptions = {}): Outcome {
    return draftfs(args, { cwd: this.root, ...options });
  }

  /** Runs a shell script over the draft; fails when draftfs does. */
  run(script: string): Outcome {
    const outcome = this.draftfs(["run", "--", "sh", "-c", script]);
    if (outcome.code !== 0) throw new Error(`run ended with ${outcome.code}: ${outcome.err}`);
    return outcome;
  }

  /** Runs a command that prints JSON. */
  json(args: readonly string[]): Record<string, unknown> & { readonly exitCode: number } {
    const { code, out, err } = this.draftfs([...args, "--json"]);
    try {
      return { ...(JSON.parse(out) as Record<string, unknown>), exitCode: code };
    } catch {
      throw new Error(`no JSON from ${args.join(" ")}: ${out}${err}`);
    }
  }

  path(path: string): string {
    return join(this.root, path);
  }

  /** A place beside the root, removed with it. */
  beside(name: string): string {
    return join(this.#parent, name);
  }

  write(path: string, text: string): void {
    fs.mkdirSync(dirname(this.path(path)), { recursive: true });
    fs.writeFileSync(this.path(path), text);
  }

  read(path: string): string {
    return fs.readFileSync(this.path(path), "utf8");
  }

  /** Every path of the real tree but the state directory's, with the text of files. */
  tree(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of fs.readdirSync(this.root, { recursive: true, encoding: "utf8" }).sort()) {
      if (name === ".draftfs" || name.startsWith(".draftfs/")) continue;
      const stats = fs.lstatSync(this.path(name));
      if (stats.isFile()) found[name] = this.read(name);
      else if (stats.isSymbolicLink()) found[name] = `-> ${fs.readlinkSync(this.path(name))}`;
      else found[`${name}/`] = "";
    }
    return found;
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.#parent, { recursive: true, force: true });
  }
}
