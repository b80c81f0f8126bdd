import nodeFs from "node:fs";
import { createFsFromVolume, Volume } from "memfs";
import { Union } from "unionfs";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";

export type Fs = typeof nodeFs;

/** Packages that only `bench/package.json` has. */
const packages: Readonly<Record<"ZenFS CopyOnWrite" | "just-bash OverlayFs", string>> = {
  "ZenFS CopyOnWrite": "@zenfs/core",
  "just-bash OverlayFs": "just-bash",
};

/** A file system that a row is measured on, over a real directory where it can lie over one. */
export interface Peer {
  readonly fs: Fs;
  /** The directory to work in, as this file system names it. */
  readonly root: string;
  /** Only of ours. */
  readonly layer?: Layer;
}

/** Opens a peer over `root`. Those that cannot lie over a disk get the tree in memory. */
export type OpenPeer = (root: string) => Promise<Peer>;

export const peers: Readonly<Record<PeerName, OpenPeer>> = {
  "node:fs": async (root) => ({ fs: nodeFs, root }),
  draftfs: async (root) => {
    const layer = openLayer({ root });
    return { fs: layer.fs as unknown as Fs, root, layer };
  },
  memfs: async (root) => {
    const volume = new Volume();
    const fs = createFsFromVolume(volume) as unknown as Fs;
    copyTree(root, fs);
    return { fs, root };
  },
  "unionfs + memfs": async (root) => {
    const volume = new Volume();
    volume.mkdirSync(root, { recursive: true });
    const union = new Union();
    union.use(nodeFs).use(createFsFromVolume(volume) as unknown as Fs);
    return { fs: union as unknown as Fs, root };
  },
  "ZenFS CopyOnWrite": async (root) => {
    const zen = (await import(packages["ZenFS CopyOnWrite"])) as ZenFs;
    // Over the real disk it fails in every sub-directory: its lower is memory here.
    const readable = await zen.resolveMountConfig({ backend: zen.InMemory, label: "lower" });
    zen.umount("/");
    zen.mount("/", readable);
    copyTree(root, zen.fs);
    const writable = { backend: zen.InMemory, label: "upper" };
    const overlay = { backend: zen.CopyOnWrite, readable, writable };
    const mounted = await zen.resolveMountConfig(overlay);
    zen.umount("/");
    zen.mount("/", mounted);
    return { fs: zen.fs, root };
  },
  "just-bash OverlayFs": async (root) => {
    const { OverlayFs } = (await import(packages["just-bash OverlayFs"])) as {
      readonly OverlayFs: new (options: object) => JustBash;
    };
    const overlay = new OverlayFs({ root, mountPoint: root });
    const promises = {
      readFile: (path: string) => overlay.readFileBuffer(path),
      writeFile: (path: string, data: string) => overlay.writeFile(path, data),
      readdir: (path: string) => overlay.readdir(path),
      stat: (path: string) => overlay.stat(path),
      unlink: (path: string) => overlay.rm(path),
      appendFile: (path: string, data: string) => overlay.appendFile(path, data),
    };
    return { fs: { promises } as unknown as Fs, root };
  },
};

export type PeerName =
  | "node:fs"
  | "draftfs"
  | "memfs"
  | "unionfs + memfs"
  | "ZenFS CopyOnWrite"
  | "just-bash OverlayFs";

interface JustBash {
  readFileBuffer(path: string): Promise<Uint8Array>;
  writeFile(path: string, data: string): Promise<void>;
  appendFile(path: string, data: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<unknown>;
  rm(path: string): Promise<void>;
}

/** What is used of `@zenfs/core`, whose types are not the project's business. */
interface ZenFs {
  readonly InMemory: unknown;
  readonly CopyOnWrite: unknown;
  readonly fs: Fs;
  resolveMountConfig(options: object): Promise<object>;
  mount(path: string, fileSystem: object): void;
  umount(path: string): void;
}

/** Whether a peer's package is installed; the tests run with what the project itself has. */
export async function isInstalled(name: PeerName): Promise<boolean> {
  const needed: string | undefined = (packages as Partial<Record<PeerName, string>>)[name];
  if (needed === undefined) return true;
  return import(needed).then(
    () => true,
    () => false,
  );
}

function copyTree(root: string, target: Fs): void {
  target.mkdirSync(root, { recursive: true });
  for (const entry of nodeFs.readdirSync(root, { withFileTypes: true })) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory()) copyTree(path, target);
    else target.writeFileSync(path, nodeFs.readFileSync(path));
  }
}
