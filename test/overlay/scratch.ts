import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Layer, type LayerOptions, openLayer } from "../../src/overlay/layer.ts";
import type { Pending } from "../../src/overlay/pending/pending.ts";

/** A directory on the disk with these files, removed after the test. */
export function plant(files: Readonly<Record<string, string>> = {}): string {
  const root = plantKept(files);
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

/** The same outside of a test: whoever plants it removes it. */
export function plantKept(files: Readonly<Record<string, string>>): string {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-overlay-")));
  for (const [path, content] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true });
    fs.writeFileSync(join(root, path), content);
  }
  return root;
}

/** A layer over a directory, closed after the test. */
export function open(root: string, options: Partial<LayerOptions> = {}): Layer {
  const layer = openLayer({ root, ...options });
  onTestFinished(() => layer.close());
  return layer;
}

/** What is pending, one line each. */
export function summary(layer: Layer): string[] {
  return [...layer.pending()].map(lineOf);
}

function lineOf(entry: Pending): string {
  const base = entry.base === undefined ? "" : ` base=${entry.base.path}`;
  switch (entry.kind) {
    case "directory": {
      const redirect = entry.redirect === undefined ? "" : ` redirect=${entry.redirect}`;
      return `directory ${entry.path}${entry.opaque ? " opaque" : ""}${redirect}${base}`;
    }
    case "file":
      return `file ${entry.path} size=${entry.content.size}${base}`;
    default:
      return `${entry.kind} ${entry.path}${base}`;
  }
}

/** Every path of a tree and what it holds, read through any `fs`. */
export function treeOf(fileSystem: typeof fs, directory: string, prefix = ""): string[] {
  return fileSystem.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) return [`${name}/`, ...treeOf(fileSystem, path, `${name}/`)];
    if (entry.isSymbolicLink()) return [`${name} -> ${fileSystem.readlinkSync(path)}`];
    return [`${name}: ${fileSystem.readFileSync(path, "utf8")}`];
  });
}
