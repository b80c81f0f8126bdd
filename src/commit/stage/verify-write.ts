import xxhash, { type XXHashAPI } from "xxhash-wasm";
import type { Disk } from "../../disk/disk.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { FileImage } from "../plan/step.ts";
import { firstBuffer } from "../tree/first-buffer.ts";
import { hashFile } from "../tree/large-content.ts";

/** The hash of what was written, by which its bytes are compared; `undefined` compares none. */
export type WrittenHash = bigint | ObjectId | undefined;

let loading: Promise<XXHashAPI> | undefined;

/**
 * Reads back what was written, before anything depends on it: every byte by its hash, size and
 * mode.
 *
 * It is done on the staged files, which the commit only renames afterwards, so a bad memory, disk
 * or network file system is found out while nothing has changed yet.
 */
export class WriteVerifier {
  readonly #disk: Disk;
  readonly #api: XXHashAPI;
  #buffer = firstBuffer;

  private constructor(disk: Disk, api: XXHashAPI) {
    this.#disk = disk;
    this.#api = api;
  }

  static async load(disk: Disk): Promise<WriteVerifier> {
    loading ??= xxhash();
    return new WriteVerifier(disk, await loading);
  }

  /** What {@link verify} is to find of bytes that are about to be written. */
  hashOf(bytes: Uint8Array): bigint {
    return this.#api.h64Raw(bytes);
  }

  /**
   * Compares a written file with its image and, where it is given, the hash of its bytes: that of
   * {@link hashOf}, or the id of a large content.
   *
   * @throws {DraftError} `DRAFT_CHECK_FAILED` when they differ.
   */
  verify(path: TreePath, descriptor: number, image: FileImage, hash: WrittenHash): void {
    const stamp = this.#disk.fstat(descriptor);
    if (stamp.size !== image.size) throw differs(path, `${stamp.size} bytes long`);
    if (stamp.mode !== image.mode) throw differs(path, `of mode ${stamp.mode.toString(8)}`);
    if (hash === undefined) return;
    const found =
      typeof hash === "string"
        ? hashFile(this.#disk, descriptor, stamp.size)
        : this.#read(descriptor, stamp.size);
    if (found !== hash) throw differs(path, "of other bytes");
  }

  #read(descriptor: number, size: number): bigint {
    if (this.#buffer.length < size) this.#buffer = Buffer.allocUnsafeSlow(size);
    const length = this.#disk.read(descriptor, this.#buffer.subarray(0, size), 0);
    return this.#api.h64Raw(this.#buffer.subarray(0, length));
  }
}

function differs(path: TreePath, how: string): DraftError {
  return new DraftError(
    "DRAFT_CHECK_FAILED",
    `What was written for ${JSON.stringify(path)} is ${how} when it is read back. Nothing was ` +
      "changed. Suspect memory, disk or network file system, in this order; then commit again.",
    { path, details: { level: "critical_failure", check: "write" } },
  );
}
