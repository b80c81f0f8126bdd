import { constants } from "node:fs";
import { NodeDisk } from "../node/node-disk.ts";
import { isWithin } from "../tree-path.ts";
import type { StateDirectory } from "./state-directory.ts";
import { type Stranger, untrusted } from "./state-trust.ts";

const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC } = constants;
const writingFlags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

/**
 * The real disk, with a state directory that can be read and not written to: whoever it belongs to
 * could have planted a record to be carried out, or a link to be written through. Every change of a
 * tree begins with a lock and a record there, so nothing of the tree is changed either.
 */
export class ClosedStateDisk extends NodeDisk {
  readonly #state: StateDirectory;
  readonly #stranger: Stranger;

  constructor(state: StateDirectory, stranger: Stranger) {
    super();
    this.#state = state;
    this.#stranger = stranger;
  }

  override open(path: string, flags: number, mode?: number): number {
    if ((flags & writingFlags) !== 0) this.#refuse(path);
    return super.open(path, flags, mode);
  }

  override mkdir(path: string, mode: number): void {
    this.#refuse(path);
    super.mkdir(path, mode);
  }

  override rmdir(path: string): void {
    this.#refuse(path);
    super.rmdir(path);
  }

  override unlink(path: string): void {
    this.#refuse(path);
    super.unlink(path);
  }

  override rename(source: string, target: string): void {
    this.#refuse(source, target);
    super.rename(source, target);
  }

  override renameNew(source: string, target: string): boolean {
    this.#refuse(source, target);
    return super.renameNew(source, target);
  }

  override link(source: string, target: string): void {
    this.#refuse(target);
    super.link(source, target);
  }

  override symlink(target: string, path: string): void {
    this.#refuse(path);
    super.symlink(target, path);
  }

  /** @throws {DraftError} `DRAFT_STATE_UNTRUSTED` for what lies in the state directory. */
  #refuse(...paths: readonly string[]): void {
    if (paths.some((path) => isWithin(path, this.#state.path))) {
      throw untrusted(this.#state, this.#stranger);
    }
  }
}
