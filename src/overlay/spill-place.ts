import type { Disk } from "../disk/disk.ts";
import { constants } from "../disk/lower-classes.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** A file outside of the tree that holds content for which memory was too small. */
export class SpillFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #descriptor: number;
  /** Where the next piece goes that has no place of its own, in bytes. */
  #end = 0;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    this.#descriptor = disk.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  /** Writes at a position of the caller's choice. */
  write(bytes: Uint8Array, position: number): void {
    this.#disk.write(this.#descriptor, bytes, position);
  }

  /** Writes behind all that was appended before; returns where. */
  append(bytes: Uint8Array): number {
    const position = this.#end;
    this.write(bytes, position);
    this.#end += bytes.length;
    return position;
  }

  read(buffer: Uint8Array, position: number): number {
    return this.#disk.read(this.#descriptor, buffer, position);
  }

  /** Makes the file exactly this long. */
  truncate(size: number): void {
    this.#disk.truncate(this.#descriptor, size);
  }
}

/**
 * The directory of one overlay for spilled content. It carries the identity of its process, so that
 * the next overlay can tell what a crash has left. Files that nobody reads any more vanish with
 * their last reader.
 */
export class SpillPlace {
  readonly #disk: Disk;
  readonly #staging: () => string;
  #directory: string | undefined;
  #count = 0;
  #pool: SpillFile | undefined;
  readonly #open = new Map<number, string>();
  readonly #abandoned: FinalizationRegistry<number>;

  /** @param staging creates, when first asked, the directory to spill below, and names it. */
  constructor(disk: Disk, staging: () => string) {
    this.#disk = disk;
    this.#staging = staging;
    this.#abandoned = new FinalizationRegistry((descriptor) => this.#discard(descriptor));
  }

  /** A new file of one content's own. */
  create(): SpillFile {
    const file = new SpillFile(this.#disk, `${this.#place()}/${this.#count++}`);
    this.#open.set(file.descriptor, file.path);
    this.#abandoned.register(file, file.descriptor, file);
    return file;
  }

  /** The file that small contents share. */
  get pool(): SpillFile {
    this.#pool ??= this.create();
    return this.#pool;
  }

  /** Removes everything that was spilled. */
  close(): void {
    this.#pool = undefined;
    for (const descriptor of [...this.#open.keys()]) this.#discard(descriptor);
    if (this.#directory === undefined) return;
    this.#disk.rmdir(this.#directory);
    this.#directory = undefined;
  }

  #discard(descriptor: number): void {
    const path = this.#open.get(descriptor);
    if (path === undefined) return;
    this.#open.delete(descriptor);
    this.#disk.close(descriptor);
    // A commit may have renamed it into the tree.
    if (this.#disk.lstat(path) !== undefined) this.#disk.unlink(path);
  }

  #place(): string {
    if (this.#directory !== undefined) return this.#directory;
    const staging = this.#staging();
    sweepSpills(this.#disk, staging);
    for (let serial = 0; ; serial++) {
      const path = `${staging}/spill-${ownIdentity(this.#disk)}-${serial}`;
      if (this.#disk.lstat(path) !== undefined) continue;
      this.#disk.mkdir(path, 0o700);
      this.#directory = path;
      return path;
    }
  }
}

/** Removes what overlays of dead processes have spilled below `staging`. */
export function sweepSpills(disk: Disk, staging: string): void {
  if (disk.lstat(staging)?.kind !== "directory") return;
  for (const { name, kind } of disk.readdir(staging)) {
    const match = /^spill-(\d+)-(\d+)-\d+$/.exec(name);
    if (match === null || kind !== "directory") continue;
    if (startOf(disk, Number(match[1])) === match[2]) continue;
    for (const entry of disk.readdir(`${staging}/${name}`)) {
      disk.unlink(`${staging}/${name}/${entry.name}`);
    }
    disk.rmdir(`${staging}/${name}`);
  }
}

function ownIdentity(disk: Disk): string {
  return `${process.pid}-${startOf(disk, process.pid) ?? "0"}`;
}

/** Position of `starttime` in `/proc/<pid>/stat`, counted behind the command's closing bracket. */
const startTimeField = 19;

/** When a process started, in clock ticks since boot; `undefined` when it is not alive. */
function startOf(disk: Disk, pid: number): string | undefined {
  if (process.platform !== "linux") return isAlive(pid) ? "0" : undefined;
  try {
    const text = disk.readFile(`/proc/${pid}/stat`).toString("latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[startTimeField];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
