import { dataBytesOf, dataPiecesOf, openFile } from "../../disk/data-pieces.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { ManifestChange } from "../checkpoint/manifest.ts";
import { linklessCodes } from "../lock/lock-names.ts";
import { Losses } from "../losses.ts";
import type {
  AttributesStep,
  InstallStep,
  LinkStep,
  NodeImage,
  Step,
  WriteStep,
} from "../plan/step.ts";
import { carryAttributes, giveEncoded } from "../tree/carry-attributes.ts";
import { DefaultAccess } from "../tree/default-access.ts";
import type { Directories } from "../tree/directories.ts";
import { type Creator, currentCreator, giveAttributes } from "../tree/owner.ts";

/**
 * Carries out single steps on the tree. Each is one atomic call of the kernel wherever it can be: a
 * replaced file is renamed over, never removed first and never written in place, except where a
 * hard-link group demands it.
 *
 * A crash between or within steps leaves some done and some not; `finish.ts` goes on from there.
 */
export class Applier {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #creator: Creator = currentCreator();
  readonly #losses: Losses;
  readonly #access: DefaultAccess;
  /** Steps whose staged files have been dressed ahead. */
  readonly #dressed = new Set<Step>();

  /** @param losses receives what nodes could not be given. */
  constructor(disk: Disk, directories: Directories, losses = new Losses()) {
    this.#disk = disk;
    this.#directories = directories;
    this.#losses = losses;
    this.#access = new DefaultAccess(disk, directories, this.#creator.umask);
  }

  /**
   * Dresses the staged files that will replace others, while the disk is waited for: nothing of the
   * tree is touched. What cannot be done now is done, or fails, in its turn; but for files that
   * move and get other bytes, whose old inode will be gone then.
   *
   * @param bare files that have nothing to be carried over, by place.
   */
  dressAhead(
    steps: readonly Step[],
    changes: readonly ManifestChange[],
    bare: ReadonlySet<TreePath>,
  ): void {
    try {
      this.#dressHeirs(steps, changes);
    } catch {
      // As below.
    }
    // Behind what moves, a path leads elsewhere until the move is done.
    if (steps.some(({ kind }) => kind === "park" || kind === "move")) return;
    try {
      for (const step of steps) {
        if (step.kind !== "install" || step.replaced?.kind !== "file") continue;
        if (this.#dressed.has(step)) continue;
        if (!bare.has(step.path)) {
          const target = this.#directories.locate(step.path);
          this.dress(step, target, this.#directories.locate(step.staged));
        }
        this.#dressed.add(step);
      }
    } catch {
      // Applying the step meets the same error, and knows what to put back.
    }
  }

  /** A file that moves and is changed is a new one, which is to have what the old one has. */
  #dressHeirs(steps: readonly Step[], changes: readonly ManifestChange[]): void {
    const sources = new Map<TreePath, TreePath>();
    for (const change of changes) {
      if (change.kind !== "rename" || !change.aspects.includes("content")) continue;
      if (change.before.kind === "file") sources.set(change.path, change.from);
    }
    if (sources.size === 0) return;
    for (const step of steps) {
      const source = step.kind === "install" ? sources.get(step.path) : undefined;
      if (step.kind !== "install" || step.node.kind !== "file" || source === undefined) continue;
      const from = this.#directories.locate(source);
      this.#carry(step, from, this.#directories.locate(step.staged));
      this.#dressed.add(step);
    }
  }

  apply(step: Step): void {
    switch (step.kind) {
      case "park":
        this.#rename(step.path, step.slot, step.node);
        return;
      case "remove":
        this.remove(step.path, step.node);
        return;
      case "mkdir":
        this.makeDirectory(step.path, step.node);
        return;
      case "move":
        this.#rename(step.slot ?? step.from, step.path, step.node);
        return;
      case "install":
        this.#install(step);
        return;
      case "link":
        this.#link(step);
        return;
      case "write":
        this.write(step);
        return;
      case "attributes":
        this.#attributes(step);
        return;
    }
  }

  remove(path: TreePath, node: NodeImage): void {
    const place = this.#directories.locate(path);
    if (node.kind !== "directory") {
      this.#disk.unlink(place);
      return;
    }
    this.#disk.rmdir(place);
    this.#directories.forget();
  }

  /** With enough permission to be filled; late attributes take away what it shall not have. */
  makeDirectory(path: TreePath, node: NodeImage): void {
    const place = this.#directories.locate(path);
    const inheriting = this.#access.modeForDirectory(path, node.mode);
    this.#disk.mkdir(place, inheriting ?? node.mode | 0o700);
    this.giveDirectory(path, node);
    const made = this.#disk.lstat(place);
    // Not what its maker makes elsewhere: a setgid directory hands its own group down.
    const owner = made?.uid !== node.uid || made.gid !== node.gid;
    const mode = inheriting === undefined ? node.mode : (made?.mode ?? node.mode);
    this.#give(path, node, { owner, mode: mode | 0o700 });
  }

  /** The extended attributes of the directory that one which was made anew stands for. */
  giveDirectory(path: TreePath, node: NodeImage): void {
    if (node.kind !== "directory" || node.attributes === undefined) return;
    const lost = giveEncoded(this.#disk, node.attributes, this.#directories.locate(path));
    this.#losses.addAttributes(path, lost);
  }

  /** New bytes into an existing inode. Torn by a crash, but redone from the pack then. */
  write(step: WriteStep<NodeImage, NodeImage>): void {
    const source = this.#disk.open(this.#directories.locate(step.staged), openFlags.read);
    try {
      const target = this.#openToWrite(this.#directories.locate(step.path));
      try {
        const { size } = this.#disk.fstat(source);
        const content = openFile(this.#disk, source, size);
        // Where the new bytes have a hole, none of the old ones may stay.
        if (dataBytesOf(content) < size) this.#disk.truncate(target, 0);
        // First, or a new end in the middle of a sector would be followed by the old one: recovery
        // knows what is torn by whole sectors.
        else if (this.#disk.fstat(target).size > size) this.#disk.truncate(target, size);
        for (const { bytes, position } of dataPiecesOf(content)) {
          this.#disk.write(target, bytes, position);
        }
        this.#disk.truncate(target, size);
      } finally {
        this.#disk.close(target);
      }
    } finally {
      this.#disk.close(source);
    }
    this.setAttributes(step.path, step.node, step.times);
  }

  /**
   * Opens a file whose mode may keep its owner out, before or after the operation: he has the right
   * for a moment. Whatever comes of it, the step gives the mode that is to stay, as does taking it
   * back.
   */
  #openToWrite(place: string): number {
    try {
      return this.#disk.open(place, openFlags.update);
    } catch (error) {
      const isRefused = (error as NodeJS.ErrnoException).code === "EACCES";
      const stamp = isRefused ? this.#disk.lstat(place) : undefined;
      if (stamp?.kind !== "file") throw error;
      this.#disk.chmod(place, stamp.mode | 0o600);
      return this.#disk.open(place, openFlags.update);
    }
  }

  /** Mode, owner and, when asked for, times of what lies at a path. */
  setAttributes(path: TreePath, node: NodeImage, times: boolean): void {
    this.#give(path, node, { owner: true, mode: node.mode });
    if (times) this.#setTimes(path, node);
  }

  #give(path: TreePath, node: NodeImage, wish: { owner: boolean; mode: number }): void {
    const place = this.#directories.locate(path);
    const mode = node.kind === "symlink" ? undefined : wish.mode;
    const { loss } = giveAttributes(this.#disk, place, node, { owner: wish.owner, mode });
    this.#losses.addOwner(path, loss);
  }

  #setTimes(path: TreePath, node: NodeImage): void {
    const mtimeNs = BigInt(node.mtimeNs);
    this.#disk.lutimes(this.#directories.locate(path), mtimeNs, mtimeNs);
  }

  #rename(source: TreePath, target: TreePath, node: NodeImage): void {
    this.#disk.rename(this.#directories.locate(source), this.#directories.locate(target));
    // Open directories stay right, but paths that led through this one do not.
    if (node.kind === "directory") this.#directories.forget();
  }

  #install(step: InstallStep<NodeImage, NodeImage>): void {
    const staged = this.#directories.locate(step.staged);
    const target = this.#directories.locate(step.path);
    if (!this.#dressed.has(step)) this.dress(step, target, staged);
    if (step.replaced !== null) {
      this.#disk.rename(staged, target);
      return;
    }
    // Unlike rename, neither of these runs over a file that has appeared meanwhile.
    if (this.#disk.renameNew?.(staged, target) === true) return;
    try {
      this.#disk.link(staged, target);
      // A second name would make it a hard link to everybody, the next commit included.
      this.#disk.unlink(staged);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!linklessCodes.has(code) || this.#disk.lstat(target) !== undefined) throw error;
      this.#disk.rename(staged, target);
    }
  }

  /**
   * Gives a staged file what it cannot have from where it was made: the attributes of the file that
   * it replaces, or the access list that its directory gives to new ones. To be done when nothing
   * but the wait for the disk is left: the old file is sure to be there, and the new one whole.
   */
  dress(
    { path, node, replaced }: InstallStep<NodeImage, NodeImage>,
    target: string,
    staged: string,
  ): void {
    if (node.kind !== "file") return;
    if (replaced === null) this.#access.give(path, staged, node.mode);
    if (replaced?.kind === "file") this.#carry({ path, node }, target, staged);
  }

  #carry(
    { path, node }: Pick<InstallStep<NodeImage, NodeImage>, "path" | "node">,
    source: string,
    staged: string,
  ): void {
    if (node.kind !== "file") return;
    const { carried, lost } = carryAttributes(this.#disk, source, staged);
    // An access list has a say in the permission bits, but those of the commit count; beside them
    // setuid and setgid stay as they could be given.
    const given = carried > 0 ? this.#disk.lstat(staged) : undefined;
    if (given !== undefined) {
      this.#disk.chmod(staged, (given.mode & 0o7000) | (node.mode & 0o777));
    }
    this.#losses.addAttributes(path, lost);
  }

  #link(step: LinkStep<NodeImage, NodeImage>): void {
    const source = this.#directories.locate(step.source);
    if (step.replaced === null) {
      this.#disk.link(source, this.#directories.locate(step.path));
      return;
    }
    this.#disk.link(source, this.#directories.locate(step.staged));
    this.#disk.rename(this.#directories.locate(step.staged), this.#directories.locate(step.path));
  }

  #attributes(step: AttributesStep<NodeImage, NodeImage>): void {
    const { path, before, after } = step;
    if (step.phase === "early") {
      this.#disk.chmod(this.#directories.locate(path), after.mode | 0o700);
      return;
    }
    const isGiven = before !== null && (before.uid !== after.uid || before.gid !== after.gid);
    this.#give(path, after, { owner: isGiven, mode: after.mode });
    if (step.times) this.#setTimes(path, after);
  }
}
