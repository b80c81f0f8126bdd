import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";

/** A tree under fuse-overlayfs, with its upper on a tmpfs as ours. */
export class OverlayPeer {
  /** Where the merged tree is. */
  readonly view: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.view = join(directory, "view");
  }

  static isInstalled(): boolean {
    return spawnSync("fuse-overlayfs", ["--version"], { stdio: "ignore" }).status === 0;
  }

  /** Mounts it over `root`, at another place. */
  static mount(root: string): OverlayPeer {
    const memory = fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
    const peer = new OverlayPeer(fs.mkdtempSync(join(memory, "draftfs-bench-peer-")));
    const [upper, work] = ["upper", "work"].map((name) => join(peer.#directory, name));
    for (const directory of [upper, work, peer.view]) fs.mkdirSync(directory as string);
    const layers = `lowerdir=${root},upperdir=${upper},workdir=${work}`;
    execFileSync("fuse-overlayfs", ["-o", layers, peer.view], { stdio: "ignore" });
    return peer;
  }

  unmount(): void {
    execFileSync("fusermount3", ["-u", this.view]);
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}
