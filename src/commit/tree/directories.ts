import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { pinnedPath } from "../../disk/pinned-place.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { stateDirectoryName } from "../../disk/state/state-directory.ts";
import { absoluteOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { pinnedDirectoriesMax } from "../../limits.ts";
import { mountsBelow } from "./mounts-below.ts";

const ownPrefix = `${stateDirectoryName}/`;

interface Pin {
  readonly descriptor: number | undefined;
  readonly ino: bigint;
  /** What to put before `/name` to reach something in the directory. */
  readonly prefix: string;
}

/**
 * The way to the places of a tree that nobody can redirect meanwhile.
 *
 * A directory is opened component by component without following links and used through
 * `/proc/self/fd/<descriptor>/name`: when somebody swaps a directory for a link to elsewhere, what
 * we do still lands in the directory that we checked. Where there is no such procfs, each component
 * is looked at instead, which leaves a window of microseconds.
 */
export class Directories implements Disposable {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #pins = new Map<TreePath, Pin>();
  readonly #pinsMax: number;
  readonly #hasProcfs: boolean;
  /** The file system of the root. */
  readonly #device: bigint | undefined;
  /** What something is mounted on: it may be of the same file system. Read when it is asked for. */
  #mounts: ReadonlySet<TreePath> | undefined;
  /** The directory of the last place and its way: the next place is often in the same one. */
  #lastDirectory: TreePath | undefined;
  #lastPrefix = "";

  /** @param pinsMax how many directories to hold open at a time. */
  constructor(disk: Disk, root: string, pinsMax = pinnedDirectoriesMax) {
    this.#disk = disk;
    this.#root = root;
    this.#pinsMax = pinsMax;
    const pin = this.#probe();
    this.#hasProcfs = pin !== undefined;
    this.#device = (pin ?? disk.lstat(root))?.dev;
    if (pin !== undefined) this.#pins.set("", pin);
  }

  /**
   * An absolute path for the node at `path`, good for one call on the disk. The node need not
   * exist.
   *
   * @throws Node's `ENOENT`, or `ENOTDIR` when a directory on the way is none or a link; `EXDEV`
   *   when it lies in another mount: nothing can be renamed across, nor synced with the rest.
   */
  locate(path: TreePath): string {
    // Our own state is not a place that others make ways to; the short way there is the faster one.
    if (path === "" || path.startsWith(ownPrefix)) return absoluteOf(this.#root, path);
    return `${this.#prefixOf(parentOf(path))}/${nameOf(path)}`;
  }

  /**
   * An absolute path for a directory itself, which has to exist, good for one call on the disk.
   *
   * @throws as {@link locate} does.
   */
  inside(directory: TreePath): string {
    return `${this.#prefixOf(directory)}/.`;
  }

  /** Whether the parent of `path` is a directory that can be reached without following links. */
  hasParent(path: TreePath): boolean {
    try {
      this.locate(path);
      return true;
    } catch (error) {
      if (isAbsentDirectory(error)) return false;
      throw error;
    }
  }

  /**
   * Whether the parent of `path` still lies where it was when it was gone through. What a
   * descriptor leads to may have been removed or moved away since.
   */
  keepsParent(path: TreePath): boolean {
    const directory = parentOf(path);
    const pin = this.#pins.get(directory);
    const now = this.#disk.lstat(absoluteOf(this.#root, directory));
    if (now?.kind !== "directory" || now.dev !== this.#device) return false;
    return pin === undefined || pin.ino === now.ino;
  }

  /** What lies at `path`, not followed; `undefined` where nothing does, or where no way leads. */
  find(path: TreePath): Stamp | undefined {
    try {
      return this.#disk.lstat(this.locate(path));
    } catch (error) {
      if (isAbsentDirectory(error)) return undefined;
      throw error;
    }
  }

  /** Forgets all directories: some have moved, and their paths lead elsewhere now. */
  forget(): void {
    this.#lastDirectory = undefined;
    const pins = [...this.#pins.values()];
    // First: one that could not be closed is gone all the same, and its number may be another's.
    this.#pins.clear();
    for (const pin of pins) this.#close(pin);
  }

  [Symbol.dispose](): void {
    this.forget();
  }

  #prefixOf(directory: TreePath): string {
    if (directory !== this.#lastDirectory) {
      this.#trim();
      this.#lastPrefix = this.#pin(directory).prefix;
      this.#lastDirectory = directory;
    }
    return this.#lastPrefix;
  }

  #pin(directory: TreePath): Pin {
    const known = this.#pins.get(directory);
    if (known !== undefined) {
      // Last in the order of the map is last to be closed.
      this.#pins.delete(directory);
      this.#pins.set(directory, known);
      return known;
    }
    const pin = this.#pinAtOnce(directory) ?? this.#pinByName(directory);
    this.#pins.set(directory, pin);
    return pin;
  }

  /** In one step from what is open on the way, by a call that passes no link and no mount. */
  #pinAtOnce(directory: TreePath): Pin | undefined {
    if (!this.#hasProcfs || directory === "") return undefined;
    const parent = this.#pins.get(parentOf(directory));
    const from = (parent ?? this.#pin("")).descriptor;
    const way = parent === undefined ? directory : nameOf(directory);
    const descriptor = from === undefined ? undefined : this.#disk.openDirectoryBelow?.(from, way);
    if (descriptor === undefined) return undefined;
    return this.#pinOf(descriptor, absoluteOf(this.#root, directory));
  }

  #pinByName(directory: TreePath): Pin {
    const path =
      directory === ""
        ? this.#root
        : `${this.#pin(parentOf(directory)).prefix}/${nameOf(directory)}`;
    if (directory !== "") this.#checkMounts(directory, path);
    if (!this.#hasProcfs) return this.#look(path, directory);
    return this.#pinOf(this.#disk.open(path, openFlags.readDirectory), path);
  }

  #pinOf(descriptor: number, path: string): Pin {
    try {
      const found = this.#disk.fstat(descriptor);
      this.#checkDevice(found, path);
      return { descriptor, ino: found.ino, prefix: pinnedPath(descriptor) };
    } catch (error) {
      closeQuietly(this.#disk, descriptor);
      throw error;
    }
  }

  #checkDevice({ dev }: Stamp, path: string): void {
    if (this.#device !== undefined && dev !== this.#device) throw systemError("EXDEV", path);
  }

  #checkMounts(directory: TreePath, path: string): void {
    this.#mounts ??= mountsBelow(this.#disk, this.#root);
    if (this.#mounts.has(directory)) throw systemError("EXDEV", path);
  }

  #look(path: string, directory: TreePath): Pin {
    const found = this.#disk.lstat(path);
    if (found?.kind !== "directory") {
      throw systemError(found === undefined ? "ENOENT" : "ENOTDIR", path);
    }
    this.#checkDevice(found, path);
    const prefix = absoluteOf(this.#root, directory).replace(/\/$/, "");
    return { descriptor: undefined, ino: found.ino, prefix };
  }

  /** The root, opened, where there is a procfs to reach it by. */
  #probe(): (Pin & { readonly dev: bigint }) | undefined {
    let descriptor: number | undefined;
    try {
      descriptor = this.#disk.open(this.#root, openFlags.readDirectory);
      const { ino, dev } = this.#disk.fstat(descriptor);
      const prefix = pinnedPath(descriptor);
      const around = this.#disk.lstat(`${prefix}/.`);
      if (around?.ino === ino && around.dev === dev) return { descriptor, ino, prefix, dev };
    } catch {
      // Then the paths themselves are looked at.
    }
    if (descriptor !== undefined) closeQuietly(this.#disk, descriptor);
    return undefined;
  }

  #trim(): void {
    if (this.#pins.size <= this.#pinsMax) return;
    for (const [directory, pin] of this.#pins) {
      if (this.#pins.size <= this.#pinsMax) return;
      this.#pins.delete(directory);
      this.#close(pin);
    }
  }

  #close(pin: Pin): void {
    if (pin.descriptor !== undefined) closeQuietly(this.#disk, pin.descriptor);
  }
}

function systemError(code: string, path: string): Error {
  const message = `${code}: no directory to work in, open '${path}'`;
  return Object.assign(new Error(message), { code, syscall: "open", path });
}

/** Whether an error of {@link Directories.locate} says that the way there is gone. */
export function isAbsentDirectory(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}
