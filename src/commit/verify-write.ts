import xxhash, { type XXHashAPI } from "xxhash-wasm";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import { chunkBytes } from "../limits.ts";
import type { Directories } from "./directories.ts";
import type { NodeImage } from "./step.ts";

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
  readonly #directories: Directories;
  readonly #api: XXHashAPI;
  readonly #hashes = new Map<TreePath, bigint>();
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes);

  private constructor(disk: Disk, directories: Directories, api: XXHashAPI) {
    this.#disk = disk;
    this.#directories = directories;
    this.#api = api;
  }

  static async load(disk: Disk, directories: Directories): Promise<WriteVerifier> {
    loading ??= xxhash();
    return new WriteVerifier(disk, directories, await loading);
  }

  /** Notes what is about to be staged; the bytes may be reused afterwards. */
  expect(slot: TreePath, bytes: Uint8Array): void {
    this.#hashes.set(slot, this.#api.h64Raw(bytes));
  }

  /**
   * Compares a staged file with what was noted and with its image.
   *
   * @throws {DraftError} `DRAFT_CHECK_FAILED` when they differ.
   */
  verify(slot: TreePath, path: TreePath, image: NodeImage): void {
    if (image.kind !== "file") return;
    const descriptor = this.#disk.open(this.#directories.locate(slot), openFlags.read);
    try {
      const stamp = this.#disk.fstat(descriptor);
      if (stamp.size !== image.size) throw differs(path, `${stamp.size} bytes long`);
      if (stamp.mode !== image.mode) throw differs(path, `of mode ${stamp.mode.toString(8)}`);
      const wanted = this.#hashes.get(slot);
      if (wanted !== undefined && this.#hash(descriptor, stamp.size) !== wanted) {
        throw differs(path, "of other bytes");
      }
    } finally {
      this.#disk.close(descriptor);
    }
  }

  #hash(descriptor: number, size: number): bigint {
    const hash = this.#api.create64();
    for (let position = 0; position < size; ) {
      const bytesRead = this.#disk.read(descriptor, this.#buffer, position);
      if (bytesRead === 0) break;
      hash.update(this.#buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return hash.digest();
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
