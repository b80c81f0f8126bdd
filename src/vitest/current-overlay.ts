import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { OverlayFs } from "../index.ts";

/** The overlay that lies under `node:fs` at the moment. */
export interface CurrentOverlay {
  readonly fs: OverlayFs;
  /** Absolute path below which calls go to the overlay. */
  readonly root: string;
}

// One per process and not per copy of this module: vitest may load it twice, once for the test
// that opens the overlay and once for the mock that uses it.
const key = Symbol.for("draftfs.vitest.current");
const holder = globalThis as { [key]?: CurrentOverlay | undefined };

/** The overlay under `node:fs`, or `undefined` when calls go to the disk. */
export function currentOverlay(): CurrentOverlay | undefined {
  return holder[key];
}

/** Puts an overlay under `node:fs`; returns what takes it away again. */
export function putUnder(overlay: CurrentOverlay): () => void {
  const before = holder[key];
  holder[key] = overlay;
  return () => {
    holder[key] = before;
  };
}

/**
 * The path to hand to the overlay when `path` lies below its root, otherwise `undefined`. Lexical:
 * a link from outside that leads into the root is not seen. Relative paths are those of the
 * process.
 */
export function pathInside(root: string, path: unknown): unknown {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const absolute = isAbsolute(text) ? join(text) : resolve(text);
  const inside = absolute === root || absolute.startsWith(root === "/" ? root : `${root}/`);
  if (!inside) return undefined;
  return isAbsolute(text) ? path : absolute;
}

function textOf(path: unknown): string | undefined {
  if (typeof path === "string") return path;
  if (path instanceof URL && path.protocol === "file:") return fileURLToPath(path);
  return Buffer.isBuffer(path) ? path.toString() : undefined;
}
