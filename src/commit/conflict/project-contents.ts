import { dirname, resolve } from "node:path";
import type { Disk } from "../../disk/disk.ts";
import { isDraftError } from "../../errors.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import { ObjectStore } from "../../objects/object-store.ts";

/**
 * The contents that the user's own git repository around a root holds, by their id, which is the
 * same there. For the base of a merge alone; it is looked for when first asked, and only read.
 */
export class ProjectContents implements Disposable {
  readonly #disk: Disk;
  readonly #root: string;
  #objects: ObjectStore | undefined;
  #isLookedFor = false;

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** `undefined` also where the repository cannot be read: damaged, or in a form that we do not. */
  find(oid: ObjectId): Buffer | undefined {
    try {
      const objects = this.#open();
      return objects?.has(oid) === true ? objects.read(oid).bytes : undefined;
    } catch (error) {
      if (isDraftError(error) || (error as NodeJS.ErrnoException).syscall !== undefined) {
        return undefined;
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#objects?.close();
  }

  #open(): ObjectStore | undefined {
    if (this.#isLookedFor) return this.#objects;
    this.#isLookedFor = true;
    const repository = repositoryAround(this.#disk, this.#root);
    if (repository !== undefined) this.#objects = new ObjectStore(this.#disk, repository);
    return this.#objects;
  }
}

/**
 * The repository whose worktree a directory is or lies in, as git finds it: `.git` is one, or a
 * file that names one (gitrepository-layout), which shares the objects of another (`commondir`).
 */
function repositoryAround(disk: Disk, directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const place = resolve(at, ".git");
    const kind = disk.lstat(place)?.kind;
    if (kind === "directory") return place;
    if (kind === "file") {
      const own = pathIn(disk, place, /^gitdir: (.+)$/m);
      const common = own && pathIn(disk, resolve(own, "commondir"), /^(.+)$/m);
      return common ?? own;
    }
    if (at === dirname(at)) return undefined;
  }
}

/** The path that a file names, from its own directory on; `undefined` where it names none. */
function pathIn(disk: Disk, file: string, pattern: RegExp): string | undefined {
  if (disk.lstat(file)?.kind !== "file") return undefined;
  const path = pattern.exec(disk.readFile(file).toString("utf8"))?.[1];
  return path === undefined ? undefined : resolve(dirname(file), path);
}
