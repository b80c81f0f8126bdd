import type { OptimizerSettings } from "./optimizer-settings.ts";

/**
 * What the engines and the tools need of an overlay, and no more: `Layer` fits it, and so does
 * `node:fs` itself with a root, which is how the tests compare the two.
 */

/** The facts of a node that the engines look at. */
export interface EngineStats {
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly ino: number;
  readonly dev: number;
  readonly nlink: number;
  readonly mtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** A name in a directory. */
export interface EngineEntry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** The part of `node:fs` that the engines call. Paths are absolute. Errors are Node's. */
export interface EngineFs {
  lstatSync(path: string): EngineStats;
  lstatSync(path: string, options: { readonly throwIfNoEntry: false }): EngineStats | undefined;
  statSync(path: string): EngineStats;
  statSync(path: string, options: { readonly throwIfNoEntry: false }): EngineStats | undefined;
  realpathSync(path: string): string;
  readFileSync(path: string): Buffer;
  readdirSync(path: string, options: { readonly withFileTypes: true }): EngineEntry[];
  writeFileSync(path: string, data: Uint8Array, options?: { readonly mode?: number }): void;
  mkdirSync(path: string, options: { readonly recursive: true }): string | undefined;
  unlinkSync(path: string): void;
  rmSync(path: string, options: { readonly recursive: boolean }): void;
  rmdirSync(path: string): void;
  renameSync(source: string, target: string): void;
  chmodSync(path: string, mode: number): void;
  chownSync(path: string, owner: number, group: number): void;
  openSync(path: string, flags: string, mode?: number): number;
  readSync(
    descriptor: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  writeSync(
    descriptor: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  closeSync(descriptor: number): void;
}

/**
 * A tree that the engines change. `Savepoint` is whatever the overlay calls one; the engines only
 * hand it back.
 */
export interface EngineOverlay<Savepoint = unknown> {
  /** Absolute path that relative ones are resolved against. */
  readonly root: string;
  readonly fs: EngineFs;
  /** What engines and tools go by that are given no settings; the defaults when it is missing. */
  readonly optimizer?: OptimizerSettings;
  /**
   * Whether changes wait in it for a commit, which writes all of them together. On a disk, which
   * each change reaches by itself, it is missing.
   */
  readonly holdsChanges?: boolean;
  /** Resolves when nothing keeps it from being changed any more; missing while nothing does. */
  readonly idle?: Promise<void> | undefined;
  /**
   * Writes a file unless it has this very content already, at no further look where an overlay
   * meets the size on the way; returns whether it was written. Without it sizes are asked for.
   */
  writeUnlessSame?(path: string, bytes: Uint8Array): boolean;
  savepoint(): Savepoint;
  rollback(savepoint: Savepoint): void;
  release(savepoint: Savepoint): void;
}
