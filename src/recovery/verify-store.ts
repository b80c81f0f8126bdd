import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { mainRef, operationsRef } from "../commit/checkpoint/manifest.ts";
import { checkpoints } from "../commit/checkpoint/operation-log.ts";
import { findNewestOperation } from "../commit/checkpoint/repair-refs.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { hashFile } from "../commit/tree/large-content.ts";
import { openFlags } from "../disk/open-flags.ts";
import { isDraftError } from "../errors.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { encodePackIndex } from "../objects/pack-index.ts";
import { scanPack } from "../objects/pack-scan.ts";
import { listRefs } from "../objects/refs.ts";
import { readShallow } from "../objects/shallow.ts";
import { walkReachable } from "./reachable.ts";
import { filesOf } from "./retention.ts";

/** Something that is wrong with the checkpoint store. */
export interface StoreProblem {
  /**
   * - `pack`, `index`, `large`: a file of the store is damaged
   * - `object`: something referenced is missing or damaged
   * - `ref`: a ref is missing, torn, or disagrees with the log
   * - `log`: an operation cannot be read
   */
  readonly kind: "pack" | "index" | "object" | "ref" | "log" | "large";
  /** The file, object or ref concerned. */
  readonly name: string;
  readonly message: string;
  /** Whether `repairStore` puts it right, from what is sound. */
  readonly isRepairable: boolean;
}

/** What {@link verifyStore} found. */
export interface VerifyReport {
  readonly isSound: boolean;
  readonly problems: readonly StoreProblem[];
  readonly packs: number;
  readonly objects: number;
  readonly bytes: number;
  readonly operations: number;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * Checks every byte of the checkpoint store: each pack against its checksum, each object against
 * its id, each index against its pack, each ref, the log, everything that they lead to, and content
 * kept outside of the packs. Changes nothing and takes no lock.
 */
export async function verifyStore(
  store: CommitStore,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  store.objects.refresh();
  store.objects.checkFormat();
  const verification = new Verification(store);
  const bases = store.objects.packBases();
  for (const [done, base] of bases.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ done, total: bases.length });
    verification.checkPack(base);
    await nextTurn();
  }
  if (store.objects.exists) {
    verification.checkRefs();
    verification.checkLog();
  }
  return verification.report(bases.length);
}

class Verification {
  readonly #store: CommitStore;
  readonly #problems: StoreProblem[] = [];
  readonly #known = new Set<ObjectId>();
  #bytes = 0;
  #operations = 0;

  constructor(store: CommitStore) {
    this.#store = store;
  }

  report(packs: number): VerifyReport {
    return {
      isSound: this.#problems.length === 0,
      problems: this.#problems,
      packs,
      objects: this.#known.size,
      bytes: this.#bytes,
      operations: this.#operations,
    };
  }

  checkPack(base: string): void {
    const { disk, objects } = this.#store;
    this.#guard("pack", `${base}.pack`, () => {
      const { entries, checksum } = scanPack(disk, `${base}.pack`, (oid) => objects.read(oid));
      this.#bytes += disk.lstat(`${base}.pack`)?.size ?? 0;
      for (const { oid } of entries) this.#known.add(oid);
      const path = `${base}.idx`;
      const isThere = disk.lstat(path)?.kind === "file";
      if (isThere && disk.readFile(path).equals(encodePackIndex(entries, checksum))) return;
      const message = isThere ? "The index does not belong to its pack." : "The index is missing.";
      this.#add("index", path, message, true);
    });
  }

  /** Refs, and that everything they lead to is there. */
  checkRefs(): void {
    const { disk, objects } = this.#store;
    const refs = listRefs(disk, objects.path);
    for (const name of [mainRef, operationsRef]) {
      if (refs.has(name) || !this.#hasOperations()) continue;
      this.#add("ref", name, "It is missing or torn.", true);
    }
    const boundary = readShallow(disk, objects.path);
    for (const [name, tip] of refs) {
      if (!objects.has(tip)) {
        this.#add("ref", name, `It names ${tip}, which the store does not have.`, true);
        continue;
      }
      this.#guard("object", name, () => {
        for (const { oid } of walkReachable(objects, [tip], boundary)) {
          if (this.#known.has(oid)) continue;
          // Read, because it may lie loose, where no pack has vouched for it.
          objects.read(oid);
          this.#known.add(oid);
        }
      });
    }
  }

  /** Whether a ref should name anything. A damaged journal is told of by whoever goes by it. */
  #hasOperations(): boolean {
    try {
      return findNewestOperation(this.#store) !== undefined;
    } catch (error) {
      if (!isDraftError(error)) throw error;
      return true;
    }
  }

  /** The operations, and what they need beside the objects that git knows of. */
  checkLog(): void {
    const { objects } = this.#store;
    const large = new Map<ObjectId, number>();
    this.#guard("log", operationsRef, () => {
      for (const { manifest } of checkpoints(objects)) {
        this.#operations += 1;
        if (this.#operations === 1 && objects.readRef(mainRef) !== manifest.main) {
          this.#add("ref", mainRef, "It is not where the last operation has put it.", false);
        }
        for (const file of filesOf(manifest.changes)) {
          if (file.stored === "large") large.set(file.oid, file.size);
        }
      }
    });
    for (const [oid, size] of large) this.#checkLarge(oid, size);
  }

  #checkLarge(oid: ObjectId, size: number): void {
    const { disk, state } = this.#store;
    const path = join(state.path, "large", oid);
    // What lies in the tree itself, as the last state of a file does, is not kept a second time.
    if (disk.lstat(path) === undefined) return;
    this.#guard("large", path, () => {
      const descriptor = disk.open(path, openFlags.read);
      try {
        const isWhole = disk.fstat(descriptor).size === size;
        if (isWhole && hashFile(disk, descriptor, size) === oid) return;
        this.#add("large", path, "It holds other bytes than were kept.", false);
      } finally {
        disk.close(descriptor);
      }
    });
  }

  #add(kind: StoreProblem["kind"], name: string, message: string, isRepairable: boolean): void {
    this.#problems.push({ kind, name, message, isRepairable });
  }

  /** Notes what draftfs itself finds damaged; other errors are the disk's, and not caught. */
  #guard(kind: StoreProblem["kind"], name: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!isDraftError(error)) throw error;
      this.#add(kind, name, error.message, false);
    }
  }
}
