import { join } from "node:path";
import type { Allocation, Disk } from "../disk/disk.ts";
import { isAbsence } from "../disk/error-codes.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { recentBytesMax } from "../limits.ts";
import { alternatesOf } from "./alternates.ts";
import { ensureBareRepository, repairBareRepository, writeWhole } from "./bare-repository.ts";
import { linkOrCopyAnew } from "./link-or-copy.ts";
import { loosePathOf, readLooseObject } from "./loose-object.ts";
import { missingObject } from "./missing-object.ts";
import { type ObjectId, objectIdOf } from "./object-id.ts";
import { packBasesIn } from "./pack-bases.ts";
import type { PackSummary } from "./pack-builder.ts";
import { type GitObject, PackFile } from "./pack-file.ts";
import { encodePackIndex, PackIndex } from "./pack-index.ts";
import { type PackScan, scanPack } from "./pack-scan.ts";
import { resolveRef, stageRef } from "./refs.ts";
import { refuseForeignFormat } from "./repository-format.ts";
import { holds, type StagedFile, stageFile } from "./staged-file.ts";

interface OpenPack {
  readonly file: PackFile;
  readonly index: PackIndex;
}

/** The first two digits of loose objects: one look instead of one for each absent object. */
interface LooseDirectories {
  readonly objects: string;
  readonly names: ReadonlySet<string>;
}

/** What is known of a pack that has just been written. */
export type NewPack = Pick<PackSummary, "checksum" | "index"> &
  Partial<Pick<PackSummary, "readable">>;

/**
 * The checkpoint store: a bare git repository of our own, in which packs arrive whole.
 *
 * - An object is there when a pack with a sound index holds it, or a loose file.
 * - Index and refs are derived data: lost or torn, they are built again from the packs.
 * - Reading costs what is read: an index is loaded when the first object is looked for, a pack is
 *   opened when one is found in it.
 *
 * The store is as it was when first looked at; {@link ObjectStore.refresh} looks again.
 */
export class ObjectStore {
  readonly #disk: Disk;
  /** The repository, normally `.draftfs/checkpoints.git`. It need not exist. */
  readonly path: string;
  #packs: Map<string, OpenPack> | undefined;
  /** What was read of them, by base: a name that is a hash stands for the same bytes always. */
  #indexes = new Map<string, PackIndex>();
  #loose: readonly LooseDirectories[] | undefined;
  /** Where objects lie: our own directory, and those of other repositories that it names. */
  #sources: readonly string[] | undefined;
  #lastHit: OpenPack | undefined;
  /** Trees and commits of the last pack: the next operation starts from them. */
  #recent: ReadonlyMap<ObjectId, GitObject> | undefined;
  #isEnsured = false;
  /** Whether it has been seen that nobody has converted it. */
  #isOurs = false;
  /** When names in the pack directory last changed, as it was when they were listed. */
  #listedNs: bigint | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /** Whether there is a repository at all. */
  get exists(): boolean {
    return this.#disk.lstat(join(this.path, "HEAD")) !== undefined;
  }

  /**
   * Whether the store holds the object.
   *
   * @param without packs that do not count, as {@link ObjectStore.packBases} names them.
   */
  has(oid: ObjectId, without: ReadonlySet<string> = new Set()): boolean {
    const found = this.#findPack(oid);
    if (found !== undefined && without.size === 0) return true;
    for (const [base, { index }] of found === undefined ? [] : (this.#packs ?? [])) {
      if (!without.has(base) && index.findOffset(oid) !== undefined) return true;
    }
    return this.#looseDirectories().some(
      ({ objects, names }) =>
        names.has(oid.slice(0, 2)) && this.#disk.lstat(loosePathOf(objects, oid)) !== undefined,
    );
  }

  /**
   * Reads an object and checks it against its id.
   *
   * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when the store does not hold it,
   *   `DRAFT_STORE_CORRUPT` when it is damaged.
   */
  read(oid: ObjectId): GitObject {
    const recent = this.#recent?.get(oid);
    if (recent !== undefined) return recent;
    const object = this.#findNow(oid) ?? this.#findAfresh(oid);
    if (object === undefined) throw missingObject(this.#disk, this.path, oid);
    if (objectIdOf(object.kind, object.bytes) === oid) return object;
    throw new DraftError(
      "DRAFT_STORE_CORRUPT",
      `Object ${oid} in ${this.path} holds other bytes than were stored. Run draftfs verify.`,
      { path: this.path, details: { oid } },
    );
  }

  /** The zlib stream of an object that lies compressed in a pack, and the size of the object. */
  readCompressed(oid: ObjectId): { size: number; stream: Buffer } | undefined {
    const found = this.#findPack(oid);
    return found?.pack.file.readCompressed(found.offset);
  }

  /**
   * Takes a finished pack in: a second name for it in `objects/pack`, then its index. Idempotent,
   * and nothing of it need be durable yet as long as the journal keeps the pack.
   *
   * @param summary what {@link PackBuilder.finish} returned; read from the pack when left out.
   * @param staged what {@link ObjectStore.stageIndex} returned for it.
   */
  installPack(packPath: string, summary?: NewPack, staged?: StagedFile): void {
    this.#ensureRepository();
    const pack = summary ?? this.#scanNew(packPath);
    const base = this.#baseOf(pack);
    linkOrCopyAnew(this.#disk, packPath, `${base}.pack`);
    const bytes = pack.index();
    // After the pack: git takes an index for the promise that its pack is there.
    if (holds(this.#disk, `${base}.idx`, bytes)) staged?.discard();
    else (staged ?? this.stageIndex(pack)).publish();
    this.#loose = undefined;
    this.#recent = isSmall(summary?.readable) ? summary?.readable : undefined;
    if (this.#packs === undefined) return;
    this.#packs.get(base)?.file.close();
    const opened = this.#openPack(base, PackIndex.parse(bytes) as PackIndex);
    this.#packs.set(base, opened);
    // The next operation starts from the trees of this one.
    this.#lastHit = opened;
    this.#listedNs = this.#changedNs();
  }

  /** Writes the index of a pack that is going to be installed. */
  stageIndex(pack: NewPack): StagedFile {
    this.#ensureRepository();
    return stageFile(this.#disk, `${this.#baseOf(pack)}.idx`, pack.index(), 0o444);
  }

  readRef(name: string): ObjectId | undefined {
    this.#refuseForeign();
    return resolveRef(this.#disk, this.path, name);
  }

  updateRef(name: string, oid: ObjectId): void {
    this.stageRef(name, oid).publish();
  }

  /** Writes the new value of a ref beside it, which then no other program changes. */
  stageRef(name: string, oid: ObjectId, allocation?: Allocation): StagedFile {
    this.#ensureRepository();
    return stageRef(this.#disk, this.path, name, oid, allocation);
  }

  /** Removes a ref of which nobody has made a line of `packed-refs`. */
  removeRef(name: string): void {
    const path = join(this.path, name);
    if (this.#disk.lstat(path) !== undefined) this.#disk.unlink(path);
  }

  /**
   * Writes the index of every pack again that has none or a damaged one.
   *
   * @returns the paths of those packs. A pack that is itself damaged is left out: nothing can be
   *   built from it.
   */
  repairIndexes(): string[] {
    const repaired: string[] = [];
    for (const base of this.packBases()) {
      const path = `${base}.idx`;
      const isThere = this.#disk.lstat(path)?.kind === "file";
      if (isThere && PackIndex.parse(this.#disk.readFile(path)) !== undefined) continue;
      const bytes = this.#rebuildIndex(base);
      if (bytes === undefined) continue;
      writeWhole(this.#disk, path, bytes, 0o444);
      repaired.push(`${base}.pack`);
    }
    this.close();
    return repaired;
  }

  /** Packs whose bytes are not those that were written, as their paths without suffix. */
  damagedPacks(): string[] {
    return this.packBases().filter((base) => {
      try {
        this.#scan(`${base}.pack`);
        return false;
      } catch (error) {
        if (isDraftError(error)) return true;
        throw error;
      }
    });
  }

  /** Every commit in the packs, in no order. */
  *commits(): Generator<ObjectId> {
    this.#packs ??= this.#openPacks();
    for (const { file, index } of this.#packs.values()) {
      for (const { oid, offset } of index.entries()) {
        if (file.kindAt(offset) === "commit") yield oid;
      }
    }
  }

  /** Forgets what is known of the packs: another process may have added or removed some. */
  refresh(): void {
    this.close();
  }

  /**
   * {@link ObjectStore.refresh}, if the pack directory has changed: what a commit costs must not
   * grow with the number of packs. A pack that came or went so quickly that the time did not change
   * is noticed by {@link ObjectStore.read}, when something is missed.
   */
  refreshIfChanged(): void {
    if (this.#packs !== undefined && this.#changedNs() !== this.#listedNs) this.close();
  }

  /** Closes the open packs; they open again when needed. */
  close(): void {
    for (const pack of this.#packs?.values() ?? []) pack.file.close();
    this.#packs = undefined;
    this.#loose = undefined;
    this.#sources = undefined;
    this.#lastHit = undefined;
    this.#recent = undefined;
    this.#isEnsured = false;
    this.#isOurs = false;
  }

  /** Every pack of its own, as the path of its files without `.pack` and `.idx`. */
  packBases(): string[] {
    return packBasesIn(this.#disk, join(this.path, "objects"));
  }

  /**
   * Refuses a repository that somebody has converted.
   *
   * @throws {DraftError} `DRAFT_UNSUPPORTED`.
   */
  checkFormat(): void {
    this.#refuseForeign();
  }

  /** Once for a row of operations, as long as nobody else has touched the packs. */
  #ensureRepository(): void {
    if (this.#isEnsured) return;
    this.#refuseForeign();
    ensureBareRepository(this.#disk, this.path);
    // What was made right before the power went can be there and empty.
    repairBareRepository(this.#disk, this.path);
    this.#isEnsured = true;
  }

  #refuseForeign(): void {
    if (this.#isOurs) return;
    refuseForeignFormat(this.#disk, this.path);
    this.#isOurs = true;
  }

  #changedNs(): bigint | undefined {
    return this.#disk.lstat(this.#packDirectory)?.mtimeNs;
  }

  #baseOf({ checksum }: NewPack): string {
    return join(this.#packDirectory, `pack-${checksum}`);
  }

  get #packDirectory(): string {
    return join(this.path, "objects", "pack");
  }

  /** `undefined` also where the pack it was in is gone: another process may have repacked. */
  #findNow(oid: ObjectId): GitObject | undefined {
    try {
      return this.#find(oid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #findAfresh(oid: ObjectId): GitObject | undefined {
    this.close();
    return this.#find(oid);
  }

  #find(oid: ObjectId): GitObject | undefined {
    const found = this.#findPack(oid);
    if (found !== undefined) return found.pack.file.read(found.offset, (base) => this.read(base));
    for (const objects of this.#objectDirectories()) {
      const loose = readLooseObject(this.#disk, objects, oid);
      if (loose !== undefined) return loose;
    }
    return undefined;
  }

  #objectDirectories(): readonly string[] {
    const own = join(this.path, "objects");
    this.#sources ??= [own, ...alternatesOf(this.#disk, own).directories];
    return this.#sources;
  }

  #findPack(oid: ObjectId): { readonly pack: OpenPack; readonly offset: number } | undefined {
    this.#packs ??= this.#openPacks();
    // What is looked for next mostly lies where the last one was.
    const last = this.#lastHit?.index.findOffset(oid);
    if (this.#lastHit !== undefined && last !== undefined)
      return { pack: this.#lastHit, offset: last };
    for (const pack of this.#packs.values()) {
      const offset = pack.index.findOffset(oid);
      if (offset === undefined) continue;
      this.#lastHit = pack;
      return { pack, offset };
    }
    return undefined;
  }

  #openPacks(): Map<string, OpenPack> {
    this.#refuseForeign();
    const packs = new Map<string, OpenPack>();
    this.#listedNs = this.#changedNs();
    const bases = this.#objectDirectories().flatMap((objects) => packBasesIn(this.#disk, objects));
    for (const base of bases) {
      const index = this.#indexes.get(base) ?? this.#findIndex(base);
      if (index !== undefined) packs.set(base, this.#openPack(base, index));
    }
    this.#indexes = new Map([...packs].map(([base, { index }]) => [base, index]));
    return packs;
  }

  /**
   * A missing or damaged index does not hide its pack: it is made again, in memory only.
   *
   * @returns `undefined` as well where the pack is gone: git may have repacked in this very moment.
   */
  #findIndex(base: string): PackIndex | undefined {
    const path = `${base}.idx`;
    try {
      const isThere = this.#disk.lstat(path)?.kind === "file";
      const index = isThere ? PackIndex.parse(this.#disk.readFile(path)) : undefined;
      if (index !== undefined) return index;
      const bytes = this.#rebuildIndex(base);
      return bytes === undefined ? undefined : PackIndex.parse(bytes);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  #rebuildIndex(base: string): Buffer | undefined {
    try {
      const { entries, checksum } = this.#scan(`${base}.pack`);
      return encodePackIndex(entries, checksum);
    } catch (error) {
      if (isDraftError(error) && error.code === "DRAFT_STORE_CORRUPT") return undefined;
      throw error;
    }
  }

  #openPack(base: string, index: PackIndex): OpenPack {
    return { file: new PackFile(this.#disk, `${base}.pack`, () => index.offsets()), index };
  }

  #scanNew(path: string): NewPack {
    const { checksum, entries } = this.#scan(path);
    return { checksum, index: () => encodePackIndex(entries, checksum) };
  }

  #scan(path: string): PackScan {
    return scanPack(this.#disk, path, (base) => this.read(base));
  }

  #looseDirectories(): readonly LooseDirectories[] {
    this.#loose ??= this.#objectDirectories().map((objects) => {
      const isThere = this.#disk.lstat(objects) !== undefined;
      const entries = isThere ? this.#disk.readdir(objects) : [];
      return { objects, names: new Set(entries.map(({ name }) => name)) };
    });
    return this.#loose;
  }
}

/** Whether objects may stay in memory until the next operation. */
function isSmall(objects: ReadonlyMap<ObjectId, GitObject> | undefined): boolean {
  let size = 0;
  for (const { bytes } of objects?.values() ?? []) size += bytes.length;
  return size <= recentBytesMax;
}
