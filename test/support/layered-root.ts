import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { memoryDirectory } from "./memory-directory.ts";

/** How the layers of a {@link LayeredRoot} lie. */
export interface Layering {
  /** Options of the mount beside the layers. */
  readonly options?: string;
  /** Whether the lower layer has a file system of its own, and so inode numbers of its own. */
  readonly isApart?: boolean;
  /** A lower layer that lies elsewhere, instead of one of its own. */
  readonly lower?: string;
}

/** A root as a container has it: an overlayfs, of which a lower layer holds what was there first. */
export class LayeredRoot implements Disposable {
  readonly #place: string;
  readonly #mounts: string[] = [];
  readonly #options: string;
  /** The merged view. */
  readonly path: string;

  /** @param fill makes what the lower layer holds. */
  constructor(fill: (lower: string) => void, layering: Layering = {}) {
    const { options = "", isApart = false } = layering;
    this.#place = fs.mkdtempSync(join(memoryDirectory(), "draftfs-layered-"));
    this.path = join(this.#place, "merged");
    for (const name of ["lower", "upper", "work", "merged"]) fs.mkdirSync(join(this.#place, name));
    const lower = layering.lower ?? join(this.#place, "lower");
    const layers = ["upper", "work"].map((name) => `${name}dir=${join(this.#place, name)}`);
    this.#options = [`lowerdir=${lower}`, ...layers, options]
      .filter((option) => option !== "")
      .join(",");
    try {
      if (isApart) this.#mount(lower, ["-t", "tmpfs", "draftfs-test"]);
      fill(lower);
      this.#mountMerged();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Mounts it anew, as after a restart of the container. */
  remount(): void {
    execFileSync("umount", ["-l", this.path]);
    this.#mounts.pop();
    this.#mountMerged();
  }

  #mountMerged(): void {
    this.#mount(this.path, ["-t", "overlay", "draftfs-test", "-o", this.#options]);
  }

  #mount(place: string, words: readonly string[]): void {
    execFileSync("mount", [...words, place], { stdio: "pipe" });
    this.#mounts.push(place);
  }

  [Symbol.dispose](): void {
    for (const place of this.#mounts.toReversed()) execFileSync("umount", ["-l", place]);
    fs.rmSync(this.#place, { recursive: true, force: true });
  }
}

let canMount: boolean | undefined;

/** Whether this process may mount an overlayfs here; says so where it may not. */
export function canMountLayers(): boolean {
  if (canMount !== undefined) return canMount;
  try {
    new LayeredRoot(() => undefined)[Symbol.dispose]();
    canMount = true;
  } catch (error) {
    console.log(`no overlayfs can be mounted here, its tests are skipped: ${error}`);
    canMount = false;
  }
  return canMount;
}
