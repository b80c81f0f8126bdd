import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openAnew } from "../../disk/open-anew.ts";

/** The file of an operation's pack in the journal, which is a new one from the first use on. */
export class PackFile implements Disposable {
  readonly #disk: Disk;
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  get descriptor(): number {
    this.#descriptor ??= openAnew(this.#disk, this.#path);
    return this.#descriptor;
  }

  /** Hands the open file over to the caller, who closes it. */
  take(): number {
    const { descriptor } = this;
    this.#descriptor = undefined;
    return descriptor;
  }

  /** @throws what the disk says; the file is closed all the same. */
  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) this.#disk.close(descriptor);
  }

  [Symbol.dispose](): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeQuietly(this.#disk, descriptor);
  }
}
