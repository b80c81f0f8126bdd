import { execFile } from "node:child_process";
import fs from "node:fs";
import { backgroundFilesMin } from "../../limits.ts";
import { BackgroundFiles } from "../background/background-files.ts";
import { closeAll } from "../background/background-job.ts";
import { BackgroundThread } from "../background/background-thread.ts";
import { closeFew } from "../background/close-few.ts";
import { type ByteRange, dataRangesOf } from "../data-ranges.ts";
import type {
  Allocation,
  Disk,
  DiskAttributes,
  DiskEntry,
  FileCreation,
  KernelLocks,
} from "../disk.ts";
import { isAbsence } from "../error-codes.ts";
import { decodeName, encodePath } from "../names.ts";
import { allocationOn } from "../native/allocation.ts";
import { writeInBackground } from "../native/background-write.ts";
import { growDescriptorTable } from "../native/descriptor-table.ts";
import { kernelLocks } from "../native/kernel-locks.ts";
import { nativeCalls } from "../native/native-calls.ts";
import { openFlags } from "../open-flags.ts";
import { pinnedPlaceOf } from "../pinned-place.ts";
import { kindOf, type Stamp, stampOf } from "../stamp.ts";
import { timeOf } from "./node-time.ts";

/** What one call instead of link and unlink saves, in microseconds. */
const renameNewSavingUs = 15;
/** What a call saves that takes an open directory rather than a path through procfs. */
const placeSavingUs = 4;
/** What one saves that does without Node's stats, two thirds of which nobody asked for. */
const fstatSavingUs = 1;
/** What a call saves that is no process of its own, in microseconds. */
const syncfsSavingUs = 6_000;

/** The real disk, through `node:fs`. */
export class NodeDisk implements Disk {
  readonly #closing = new Set<Promise<void>>();

  lstat(path: string): Stamp | undefined {
    const place = pinnedPlaceOf(path);
    const found = place && nativeCalls(placeSavingUs)?.stampIn(place);
    if (found !== undefined) return found ?? undefined;
    try {
      const stats = fs.lstatSync(encodePath(path), { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : stampOf(stats);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  readdir(path: string): DiskEntry[] {
    const entries = fs.readdirSync(encodePath(path), { withFileTypes: true });
    if (!entries.some((entry) => entry.name.includes("\ufffd"))) {
      return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    }
    const exact = fs.readdirSync(encodePath(path), { withFileTypes: true, encoding: "buffer" });
    return exact.map((entry) => ({ name: decodeName(entry.name), kind: kindOf(entry) }));
  }

  readlink(path: string): string {
    return decodeName(fs.readlinkSync(encodePath(path), { encoding: "buffer" }));
  }

  readFile(path: string): Buffer {
    return fs.readFileSync(encodePath(path));
  }

  isChangeable(directory: string): boolean {
    const place = pinnedPlaceOf(directory);
    const found = place && nativeCalls(placeSavingUs)?.isChangeable(place);
    if (found !== undefined) return found;
    try {
      fs.accessSync(encodePath(directory), changeNames);
      return true;
    } catch {
      return false;
    }
  }

  open(path: string, flags: number, mode = 0o666): number {
    const place = pinnedPlaceOf(path);
    const descriptor = (place && nativeCalls(placeSavingUs)?.openIn(place, flags, mode)) ?? -1;
    // Node knows how to say why it cannot be opened.
    if (descriptor >= 0) return descriptor;
    return fs.openSync(encodePath(path), flags, mode);
  }

  close(descriptor: number): void {
    fs.closeSync(descriptor);
  }

  openDirectoryBelow(directory: number, path: string): number | undefined {
    const descriptor = nativeCalls(placeSavingUs)?.openDirectoryBelow(directory, path) ?? -1;
    return descriptor < 0 ? undefined : descriptor;
  }

  fstat(descriptor: number): Stamp {
    return (
      nativeCalls(fstatSavingUs)?.stampOfOpen(descriptor) ??
      stampOf(fs.fstatSync(descriptor, { bigint: true }))
    );
  }

  read(descriptor: number, buffer: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < buffer.length) {
      const count = fs.readSync(
        descriptor,
        buffer,
        filled,
        buffer.length - filled,
        position + filled,
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  dataRanges(descriptor: number, size: number): Iterable<ByteRange> {
    return dataRangesOf(descriptor, size);
  }

  write(descriptor: number, bytes: Uint8Array, position?: number): void {
    for (let written = 0; written < bytes.length; ) {
      const at = position === undefined ? null : position + written;
      written += fs.writeSync(descriptor, bytes, written, bytes.length - written, at);
    }
  }

  writeInBackground(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
    return writeInBackground(descriptor, bytes, position);
  }

  truncate(descriptor: number, size: number): void {
    fs.ftruncateSync(descriptor, size);
  }

  allocationOn(directory: string, files: number): Allocation {
    return allocationOn(directory, files);
  }

  mkdir(path: string, mode: number): void {
    fs.mkdirSync(encodePath(path), { mode });
  }

  rmdir(path: string): void {
    fs.rmdirSync(encodePath(path));
  }

  unlink(path: string): void {
    fs.unlinkSync(encodePath(path));
  }

  rename(source: string, target: string): void {
    if (nativeCalls(placeSavingUs)?.rename(source, target) === true) return;
    fs.renameSync(encodePath(source), encodePath(target));
  }

  renameNew(source: string, target: string): boolean {
    return nativeCalls(renameNewSavingUs)?.renameNew(source, target) ?? false;
  }

  link(source: string, target: string): void {
    fs.linkSync(encodePath(source), encodePath(target));
  }

  symlink(target: string, path: string): void {
    fs.symlinkSync(encodePath(target), encodePath(path));
  }

  chmod(path: string, mode: number): void {
    fs.chmodSync(encodePath(path), mode);
  }

  fchmod(descriptor: number, mode: number): void {
    fs.fchmodSync(descriptor, mode);
  }

  lchown(path: string, uid: number, gid: number): void {
    fs.lchownSync(encodePath(path), uid, gid);
  }

  lutimes(path: string, atimeNs: bigint, mtimeNs: bigint): void {
    fs.lutimesSync(encodePath(path), timeOf(atimeNs), timeOf(mtimeNs));
  }

  get attributes(): DiskAttributes | undefined {
    const native = nativeCalls(Number.POSITIVE_INFINITY);
    if (native === undefined) return undefined;
    const { readAttributes: read, isBare, writeAttribute: write } = native;
    return { read, isBare, write };
  }

  kernelLocks(savingUs: number): KernelLocks | undefined {
    const lockFile = nativeCalls(savingUs)?.lockFile;
    return lockFile && kernelLocks(lockFile);
  }

  createInBackground(): FileCreation | undefined {
    return BackgroundFiles.start();
  }

  closeInBackground(descriptors: readonly number[]): void {
    if (descriptors.length < backgroundFilesMin) {
      this.#noteClosing(closeFew(descriptors));
      return;
    }
    const thread = BackgroundThread.take();
    if (thread === undefined) closeAll(descriptors);
    else {
      const closed = thread.offer({ kind: "close", descriptors });
      this.#noteClosing(closed.then(() => thread.giveBack()));
    }
  }

  async whenClosed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #noteClosing(closing: Promise<void>): void {
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  expectOpenFiles(count: number, descriptor: number): void {
    growDescriptorTable(count, descriptor);
  }

  freeBytes(path: string): number {
    const stats = fs.statfsSync(encodePath(path));
    return stats.bavail * stats.bsize;
  }

  freeFiles(path: string): number {
    const { files, ffree } = fs.statfsSync(encodePath(path));
    // Btrfs and others make inodes as they are needed, and have no number.
    return files === 0 ? Number.POSITIVE_INFINITY : ffree;
  }

  fsync(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fsync(descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  fdatasync(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** By a native call, or by coreutils' `sync -f`: Node has no call for syncfs(2). */
  syncfs(path: string): Promise<boolean> {
    const native = nativeCalls(syncfsSavingUs)?.syncfs;
    return native === undefined ? this.#syncByProgram(path) : this.#syncByCall(path, native);
  }

  async #syncByCall(
    path: string,
    syncfs: (descriptor: number) => Promise<boolean>,
  ): Promise<boolean> {
    const descriptor = fs.openSync(encodePath(path), openFlags.readDirectory);
    try {
      if (await syncfs(descriptor)) return true;
    } finally {
      fs.closeSync(descriptor);
    }
    const message = `EIO: the file system could not write everything, syncfs '${path}'`;
    throw Object.assign(new Error(message), { code: "EIO", errno: -5, syscall: "syncfs", path });
  }

  #syncByProgram(path: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, LC_ALL: "C" };
      execFile("sync", ["-f", path], { env }, (error, _output, complaint) => {
        if (!error) resolve(true);
        // Where it cannot be started, or knows no such option, the disk has not been asked at all.
        else if (typeof error.code === "string" || /option/.test(complaint)) resolve(false);
        else reject(error);
      });
    });
  }
}

const changeNames = fs.constants.W_OK | fs.constants.X_OK;
