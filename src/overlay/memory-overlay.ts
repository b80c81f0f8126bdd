import { checkOptions, type NamesOf } from "../check-options.ts";
import type { LowerFileSystem } from "../disk/lower/lower.ts";
import { DraftError } from "../errors.ts";
import { type Layer, type LayerOptions, openLayer } from "./layer.ts";

/** Paths and what lies there: text, bytes, or `null` for an empty directory. */
export type MemoryTree = Readonly<Record<string, string | Uint8Array | null>>;

/** How to open an overlay that touches no disk. */
export interface MemoryOverlayOptions extends Omit<LayerOptions, "root" | "lower" | "trustsOwner"> {
  /** Absolute path of the root inside the volume; `/` by default. */
  readonly root?: string;
  /**
   * File systems below the tree, the first one uppermost: a name that one of them lacks is looked
   * for in the next. They are only read. Needs the package `unionfs`.
   */
  readonly over?: readonly LowerFileSystem[];
}

const names = {
  root: true,
  over: true,
  memoryLimitBytes: true,
  stagingDirectory: true,
  policy: { allowRead: true, denyRead: true, denyWrite: true },
  isolation: true,
} satisfies NamesOf<MemoryOverlayOptions>;

/**
 * Opens an overlay over a tree in memory, for tests that must not depend on a disk. The tree is a
 * memfs volume: needs the package `memfs`.
 *
 * @example
 * const layer = await memoryOverlay({ "/a.txt": "alpha", "/empty": null });
 * layer.fs.readFileSync("/a.txt", "utf8"); // "alpha"
 *
 * @throws {DraftError} `DRAFT_UNSUPPORTED` when a package that this needs is not installed.
 */
export async function memoryOverlay(
  tree: MemoryTree = {},
  options: MemoryOverlayOptions = {},
): Promise<Layer> {
  checkOptions("memoryOverlay", options, names);
  const { root = "/", over, ...rest } = options;
  const { createFsFromVolume, Volume } = await import("memfs").catch(refuse("memfs"));
  const volume = new Volume();
  volume.mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const [path, content] of Object.entries(tree)) plant(volume, path, content);
  const memory = createFsFromVolume(volume) as unknown as LowerFileSystem;
  const lower = over === undefined ? memory : await stacked([memory, ...over]);
  return openLayer({ ...rest, root, lower });
}

/** The part of a memfs volume that planting needs. */
interface Volume {
  mkdirSync(path: string, options: { recursive: true; mode: number }): unknown;
  writeFileSync(path: string, content: string | Uint8Array, options: { mode: number }): void;
}

function plant(volume: Volume, path: string, content: string | Uint8Array | null): void {
  const directory = content === null ? path : path.slice(0, path.lastIndexOf("/")) || "/";
  volume.mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (content !== null) volume.writeFileSync(path, content, { mode: 0o644 });
}

/** One read-only view of several file systems. */
async function stacked(fileSystems: readonly LowerFileSystem[]): Promise<LowerFileSystem> {
  const { Union } = await import("unionfs").catch(refuse("unionfs"));
  const union = new Union();
  // unionfs asks the one that was added last first.
  for (const fileSystem of [...fileSystems].reverse()) union.use(fileSystem as never);
  return union as unknown as LowerFileSystem;
}

/** Behind a `catch` of the import itself: bundlers let a package be missing there alone. */
function refuse(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot open a memory overlay without the package ${name}. Install it: npm install ${name}`,
      { cause },
    );
  };
}
