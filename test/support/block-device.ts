import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { compileC } from "./compiled-c.ts";

/**
 * A simulated disk (see `block-device.c`) with a real file system of the kernel on a loop device
 * over it: for measuring with a known cost of a flush, and for cutting the power.
 *
 * Linux, root, gcc. What it makes lies in one directory on a tmpfs, `/dev/shm/draftfs-block-…`; a
 * guard process takes all of it down when this process ends in any way, SIGKILL included. Should
 * the guard be killed as well, `umount -l` what is mounted there and remove the directory.
 */
export class BlockDevice implements AsyncDisposable {
  /** Where {@link mount} shows the file system. */
  readonly mountPath: string;
  /** The raw content, readable and writable while nothing is mounted. */
  readonly diskPath: string;
  readonly #control: string;
  readonly #server: ChildProcess;
  #mounted = false;

  private constructor(directory: string, server: ChildProcess) {
    this.mountPath = join(directory, "mnt");
    this.diskPath = join(directory, "fuse", "disk");
    this.#control = join(directory, "fuse", "control");
    this.#server = server;
  }

  /**
   * Starts the device over the image at `image`.
   *
   * @param options.keep - whether what is written ends up in the image; otherwise it is forgotten.
   * @param options.log - a file to record every write, flush and mark in.
   * @param options.flushDelayUs - what each flush takes, in microseconds; 0 by default.
   */
  static async open(
    image: string,
    options: {
      readonly keep?: boolean;
      readonly log?: string;
      readonly flushDelayUs?: number;
    } = {},
  ): Promise<BlockDevice> {
    const program = compileC("block-device.c", "block");
    const directory = fs.mkdtempSync(`${memoryDirectory}/draftfs-block-`);
    const server = spawn(
      program,
      [directory, image, options.keep === true ? "shared" : "private", options.log ?? "-"],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const ready = await Promise.race([
      once(server.stdout, "data").then(() => true),
      once(server, "exit").then(() => false),
    ]);
    if (!ready) {
      fs.rmSync(directory, { recursive: true, force: true });
      throw new Error(`The block device for ${image} did not start.`);
    }
    const device = new BlockDevice(directory, server);
    if (options.flushDelayUs !== undefined) device.setFlushDelay(options.flushDelayUs);
    return device;
  }

  /** Mounts the file system on it. @throws when the kernel refuses the image. */
  mount(fileSystem: FileSystem): string {
    const options = fileSystem === "xfs" ? "loop,noatime,nouuid" : "loop,noatime";
    execFileSync("mount", ["-t", fileSystem, "-o", options, this.diskPath, this.mountPath], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#mounted = true;
    return this.mountPath;
  }

  unmount(): void {
    if (!this.#mounted) return;
    execFileSync("umount", [this.mountPath]);
    this.#mounted = false;
  }

  /** How long every flush takes from now on, in microseconds. */
  setFlushDelay(microseconds: number): void {
    fs.writeFileSync(this.#control, `delay ${microseconds}`);
  }

  /** Puts a mark into the log, in order with the writes and flushes that have been completed. */
  mark(text: string): void {
    fs.writeFileSync(this.#control, `mark ${text}`);
  }

  /** What has reached the device since it was started. */
  counters(): { readonly writes: number; readonly flushes: number; readonly bytes: number } {
    const [, writes, , flushes, , bytes] = fs.readFileSync(this.#control, "utf8").split(/\s/);
    return { writes: Number(writes), flushes: Number(flushes), bytes: Number(bytes) };
  }

  /**
   * Takes everything down. Where something still holds a file of it open, the guard does the rest
   * when that is closed, or when this process ends.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#mounted) execFileSync("umount", ["-l", this.mountPath]);
    if (this.#server.exitCode !== null) return;
    this.#server.stdin?.end();
    const isGone = await Promise.race([
      once(this.#server, "exit").then(() => true),
      pause(goneWithinMs, false, { ref: false }),
    ]);
    if (isGone) return;
    console.warn(`A file on the simulated disk at ${this.mountPath} is still open.`);
    this.#server.unref();
    this.#server.stdout?.destroy();
  }
}

const goneWithinMs = 5000;

export type FileSystem = "ext4" | "xfs" | "btrfs";

const memoryDirectory = "/dev/shm";

/** Sizes in MiB that each file system is content with. */
const leastSizeMib = { ext4: 64, xfs: 320, btrfs: 128 } as const;

/**
 * Makes an image with an empty file system, ext4 with a journal.
 *
 * @param path - the file to create, on a tmpfs if many copies are to be made.
 * @param size.mib - enough for a few megabytes of content by default.
 * @param size.inodes - how many files it shall hold (ext4 only; the others grow as needed).
 */
export function makeImage(
  path: string,
  fileSystem: FileSystem,
  size: { readonly mib?: number; readonly inodes?: number } = {},
): void {
  fs.writeFileSync(path, "");
  fs.truncateSync(path, (size.mib ?? leastSizeMib[fileSystem]) * 1024 * 1024);
  const ext4 = ["-q", "-F", "-O", "has_journal", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
  if (size.inodes !== undefined) ext4.push("-N", String(size.inodes));
  const options = { ext4, xfs: ["-q", "-K"], btrfs: ["-q", "-K"] }[fileSystem];
  execFileSync(`mkfs.${fileSystem}`, [...options, path], { stdio: ["ignore", "ignore", "pipe"] });
}

/** Why a block device cannot be had here, in words for a person; `undefined` when it can. */
export function blockDeviceObstacle(fileSystem: FileSystem = "ext4"): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root (mounts and loop devices)";
  for (const path of ["/dev/fuse", "/dev/loop-control", memoryDirectory]) {
    if (!fs.existsSync(path)) return `needs ${path}`;
  }
  if (!isOnPath("gcc")) return "needs gcc: apt-get install gcc libc6-dev";
  if (!isOnPath(`mkfs.${fileSystem}`)) {
    const source = { ext4: "e2fsprogs", xfs: "xfsprogs", btrfs: "btrfs-progs" }[fileSystem];
    return `needs mkfs.${fileSystem}: apt-get install ${source}`;
  }
  const known = fs.readFileSync("/proc/filesystems", "utf8");
  return known.includes(`\t${fileSystem}\n`) ? undefined : `this kernel has no ${fileSystem}`;
}

function isOnPath(program: string): boolean {
  const directories = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`.split(":");
  return directories.some((directory) => fs.existsSync(join(directory, program)));
}
