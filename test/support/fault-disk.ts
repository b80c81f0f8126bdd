import type { Disk, DiskEntry } from "../../src/disk/disk.ts";
import type { Stamp } from "../../src/disk/stamp.ts";

/** One call on a disk, as {@link FaultDisk} counts it. */
export interface DiskCall {
  /** Counting from 0. */
  readonly index: number;
  readonly name: keyof Disk;
  readonly path: string | undefined;
  /** Whether it may change anything. */
  readonly changes: boolean;
}

/** What happens at a call: nothing, an error instead of it, or the end of the process before it. */
export type Fault =
  | { readonly kind: "none" }
  | { readonly kind: "error"; readonly code: string }
  | { readonly kind: "death" };

/** Thrown by every call of a disk whose process is dead. Nothing that it could do has an effect. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

let births = 1;

const changing: ReadonlySet<string> = new Set([
  ...[
    "write",
    "writeInBackground",
    "truncate",
    "mkdir",
    "rmdir",
    "unlink",
    "rename",
    "renameNew",
    "link",
    "symlink",
  ],
  ...["chmod", "fchmod", "lchown", "lutimes", "fsync", "fdatasync", "syncfs"],
]);

/**
 * A disk that counts the calls on another one and lets some of them fail. The calls number
 * themselves, so a test that tries a fault at each of them cannot miss a new one.
 *
 * Death is what SIGKILL does: the call does not happen, and nothing does after it. To a recovery
 * in the same process the dead one looks like another process that is gone. The device is never
 * waited for: it is the process that dies here, not the power.
 */
export class FaultDisk implements Disk {
  readonly #disk: Disk;
  readonly #faultAt: (call: DiskCall) => Fault;
  readonly calls: DiskCall[] = [];
  readonly #birth = births++;
  #isDead = false;

  constructor(disk: Disk, faultAt: (call: DiskCall) => Fault = () => ({ kind: "none" })) {
    this.#disk = disk;
    this.#faultAt = faultAt;
  }

  /** Calls that may change something. */
  get changes(): readonly DiskCall[] {
    return this.calls.filter((call) => call.changes);
  }

  lstat(path: string): Stamp | undefined {
    return this.#call("lstat", path, () => this.#disk.lstat(path));
  }

  readdir(path: string): readonly DiskEntry[] {
    return this.#call("readdir", path, () => this.#disk.readdir(path));
  }

  readlink(path: string): string {
    return this.#call("readlink", path, () => this.#disk.readlink(path));
  }

  readFile(path: string): Buffer {
    return this.#call("readFile", path, () => {
      // Another start time than this process has: whoever looks later finds the holder gone.
      if (/^\/proc\/(\d+|self)\/stat$/.test(path))
        return Buffer.from(`1 (x) ${"0 ".repeat(19)}${this.#birth}`);
      return this.#disk.readFile(path);
    });
  }

  isChangeable(directory: string): boolean {
    return this.#call("isChangeable", directory, () => this.#disk.isChangeable(directory));
  }

  open(path: string, flags: number, mode?: number): number {
    return this.#call("open", path, () => this.#disk.open(path, flags, mode));
  }

  close(descriptor: number): void {
    // A dead process has no descriptors either.
    if (this.#isDead) this.#disk.close(descriptor);
    this.#call(
      "close",
      undefined,
      () => this.#disk.close(descriptor),
      () => this.#disk.close(descriptor),
    );
  }

  fstat(descriptor: number): Stamp {
    return this.#call("fstat", undefined, () => this.#disk.fstat(descriptor));
  }

  read(descriptor: number, buffer: Uint8Array, position: number): number {
    return this.#call("read", undefined, () => this.#disk.read(descriptor, buffer, position));
  }

  write(descriptor: number, bytes: Uint8Array, position?: number): void {
    this.#call("write", undefined, () => this.#disk.write(descriptor, bytes, position));
  }

  async writeInBackground(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
    this.#call("writeInBackground", undefined, () => this.#disk.write(descriptor, bytes, position));
  }

  truncate(descriptor: number, size: number): void {
    this.#call("truncate", undefined, () => this.#disk.truncate(descriptor, size));
  }

  mkdir(path: string, mode: number): void {
    this.#call("mkdir", path, () => this.#disk.mkdir(path, mode));
  }

  rmdir(path: string): void {
    this.#call("rmdir", path, () => this.#disk.rmdir(path));
  }

  unlink(path: string): void {
    this.#call("unlink", path, () => this.#disk.unlink(path));
  }

  rename(source: string, target: string): void {
    this.#call("rename", target, () => this.#disk.rename(source, target));
  }

  renameNew(source: string, target: string): boolean {
    return this.#call("renameNew", target, () => this.#disk.renameNew?.(source, target) ?? false);
  }

  link(source: string, target: string): void {
    this.#call("link", target, () => this.#disk.link(source, target));
  }

  symlink(target: string, path: string): void {
    this.#call("symlink", path, () => this.#disk.symlink(target, path));
  }

  chmod(path: string, mode: number): void {
    this.#call("chmod", path, () => this.#disk.chmod(path, mode));
  }

  fchmod(descriptor: number, mode: number): void {
    this.#call("fchmod", undefined, () => this.#disk.fchmod(descriptor, mode));
  }

  lchown(path: string, uid: number, gid: number): void {
    this.#call("lchown", path, () => this.#disk.lchown(path, uid, gid));
  }

  lutimes(path: string, atimeNs: bigint, mtimeNs: bigint): void {
    this.#call("lutimes", path, () => this.#disk.lutimes(path, atimeNs, mtimeNs));
  }

  freeBytes(path: string): number {
    return this.#call("freeBytes", path, () => this.#disk.freeBytes(path));
  }

  freeFiles(path: string): number {
    return this.#call("freeFiles", path, () => this.#disk.freeFiles(path));
  }

  async fsync(descriptor: number): Promise<void> {
    this.#call("fsync", undefined, () => this.#disk.fstat(descriptor));
  }

  async fdatasync(descriptor: number): Promise<void> {
    this.#call("fdatasync", undefined, () => this.#disk.fstat(descriptor));
  }

  async syncfs(path: string): Promise<boolean> {
    return this.#call("syncfs", path, () => true);
  }

  #call<Result>(
    name: keyof Disk,
    path: string | undefined,
    run: () => Result,
    beforeError: () => void = () => undefined,
  ): Result {
    if (this.#isDead) throw new ProcessDied(`${name} after death`);
    const call = { index: this.calls.length, name, path, changes: changing.has(name) };
    this.calls.push(call);
    const fault = this.#faultAt(call);
    switch (fault.kind) {
      case "none":
        return run();
      case "error": {
        beforeError();
        const message = `${fault.code}: injected, ${name} '${path ?? ""}'`;
        throw Object.assign(new Error(message), { code: fault.code, syscall: name, path });
      }
      case "death":
        this.#isDead = true;
        throw new ProcessDied(`died before call ${call.index}, ${name} ${path ?? ""}`);
    }
  }
}
