import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { EngineFs, EngineOverlay } from "../../../src/engines/overlay-port.ts";

/** A new real directory that goes away after the test. */
export function temporaryDirectory(): string {
  const directory = keptDirectory();
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The same outside of a test: whoever makes it removes it. */
export function keptDirectory(): string {
  return fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-engines-")));
}

/** Writes files below `root`, making their parents. */
export function plant(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    fs.mkdirSync(join(root, path, ".."), { recursive: true });
    fs.writeFileSync(join(root, path), content);
  }
}

/** A tree as plain data: path to content in hexadecimal, `"/"` for a directory, link targets. */
export function treeOf(root: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const path of fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const absolute = join(root, path);
    const stats = fs.lstatSync(absolute);
    if (stats.isDirectory()) tree[path] = "/";
    else if (stats.isSymbolicLink()) tree[path] = `-> ${fs.readlinkSync(absolute)}`;
    else tree[path] = `${(stats.mode & 0o777).toString(8)} ${fs.readFileSync(absolute, "hex")}`;
  }
  return tree;
}

/**
 * The real file system as an overlay: the oracle that engines are compared against. A savepoint is
 * a copy of the whole tree.
 */
export function plainOverlay(
  root = temporaryDirectory(),
  engineFs: EngineFs = fs,
): EngineOverlay<string> {
  return {
    root,
    fs: engineFs,
    savepoint() {
      const copy = temporaryDirectory();
      fs.cpSync(root, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      return copy;
    },
    rollback(copy) {
      for (const name of fs.readdirSync(root)) {
        fs.rmSync(join(root, name), { recursive: true, force: true });
      }
      fs.cpSync(copy, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    },
    release() {},
  };
}

/** Counts calls by name, and can make one of them fail. */
export function watchedFs(failing?: (name: string, path: unknown) => Error | undefined): {
  readonly fs: EngineFs;
  readonly calls: Map<string, number>;
} {
  const calls = new Map<string, number>();
  const watched = new Proxy(fs as EngineFs, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        const error = failing?.(String(name), values[0]);
        if (error !== undefined) throw error;
        return Reflect.apply(method, target, values);
      };
    },
  });
  return { fs: watched, calls };
}
