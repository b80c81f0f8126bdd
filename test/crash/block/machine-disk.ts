import { NodeDisk } from "../../../src/disk/node/node-disk.ts";

/** Which waits for the device do nothing, to show what each of them is good for. */
export interface Forgetting {
  /** fsync of a file or directory, by its path. */
  readonly fsync?: (path: string) => boolean;
  readonly fdatasync?: boolean;
  readonly syncfs?: boolean;
  /** Not a wait: the slots of the journal are never found, so that every record has its own file. */
  readonly slots?: boolean;
}

/**
 * The real disk as one running of one machine sees it. The kernel under the tests is not restarted
 * by a simulated power cut, so its boot id must be: everything that asks whether something happened
 * before the crash depends on it.
 */
export class MachineDisk extends NodeDisk {
  readonly #bootId: string;
  readonly #forgetting: Forgetting;
  readonly #paths = new Map<number, string>();

  constructor(bootId: string, forgetting: Forgetting = {}) {
    super();
    this.#bootId = bootId;
    this.#forgetting = forgetting;
  }

  override readFile(path: string): Buffer {
    if (path === "/proc/sys/kernel/random/boot_id") return Buffer.from(`${this.#bootId}\n`);
    return super.readFile(path);
  }

  override open(path: string, flags: number, mode?: number): number {
    if (this.#forgetting.slots === true && path.endsWith("/journal/slots")) {
      throw Object.assign(new Error(`ENOENT: open '${path}'`), { code: "ENOENT", path });
    }
    const descriptor = super.open(path, flags, mode);
    this.#paths.set(descriptor, path);
    return descriptor;
  }

  override async fsync(descriptor: number): Promise<void> {
    const path = this.#paths.get(descriptor) ?? "";
    if (this.#forgetting.fsync?.(path) === true) return;
    await super.fsync(descriptor);
  }

  override async fdatasync(descriptor: number): Promise<void> {
    if (this.#forgetting.fdatasync !== true) await super.fdatasync(descriptor);
  }

  override async syncfs(path: string): Promise<boolean> {
    return this.#forgetting.syncfs === true ? true : super.syncfs(path);
  }
}
