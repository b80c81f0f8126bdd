import { constants } from "node:fs";
import type { Disk, DiskEntry } from "../../src/disk/disk.ts";
import type { NodeKind, Stamp } from "../../src/disk/stamp.ts";

/** How a power cut may mistake what no sync protected. */
export interface Personality {
  /** Names reach the device in the order in which they changed, as in a journal. */
  readonly orderedNames: boolean;
}

interface Inode {
  readonly ino: bigint;
  readonly kind: NodeKind;
  mode: number;
  uid: number;
  gid: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  target: string;
  /** What programs see. */
  data: Buffer;
  /** What the device is known to hold; `undefined` before the first sync of a new file. */
  durable: { data: Buffer; mode: number } | undefined;
  /** Whether what was written since the last sync lies where durable bytes lay, all of it. */
  isOverwritten: boolean;
  /** Names, of a directory: what programs see. */
  readonly names: Map<string, Inode>;
  links: number;
}

/** One change of names that has not reached the device for certain. */
interface NameChange {
  readonly sequence: number;
  /** Sets or removes names, in one atomic step: a rename touches two directories. */
  readonly edits: readonly { directory: Inode; name: string; inode: Inode | undefined }[];
}

const sectorBytes = 512;

let boots = 1;

/**
 * A file system in memory whose power can be cut: {@link ForgetfulDisk.afterPowerCut} is a disk as
 * it may come back, with what was synced, and with any part of what was not: names lost or in
 * another order (unless the personality keeps it), files empty, cut short, or with sectors of zeros.
 *
 * A sync of a file makes its bytes durable and, as on all Linux file systems, the names that lead to
 * it when it is new; a sync of a directory makes its names durable; syncfs everything.
 */
export class ForgetfulDisk implements Disk {
  readonly #personality: Personality;
  #root: Inode;
  /** The names that the device holds for certain, by directory. */
  #durableNames = new Map<Inode, Map<string, Inode>>();
  #pending: NameChange[] = [];
  #sequence = 0;
  #inodes = 0n;
  #clockNs: bigint;
  #descriptors = new Map<number, Inode>();
  #nextDescriptor = 3;
  readonly #boot = boots++;
  /** Counts every call that changes or syncs; the place of a power cut. */
  changes = 0;
  /** A call that says that it has synced and has not: to see that a test notices. */
  deafTo: "fsync" | "fdatasync" | "syncfs" | undefined;
  /** Called before each such call. */
  beforeChange: (count: number) => void = () => undefined;

  /** @param clockNs by default an hour ago, so that no boot of it comes to the clock of the tests. */
  constructor(personality: Personality, clockNs = BigInt(Date.now() - 3_600_000) * 1_000_000n) {
    this.#personality = personality;
    this.#clockNs = clockNs;
    this.#root = this.#make("directory", 0o755);
    this.#durableNames.set(this.#root, new Map());
  }

  /** The disk as the next boot may find it; `random` decides what was lost. */
  afterPowerCut(random: () => number): ForgetfulDisk {
    const next = new ForgetfulDisk(this.#personality, this.#clockNs + 60_000_000_000n);
    const names = new Map([...this.#durableNames].map(([at, map]) => [at, new Map(map)] as const));
    const cut = Math.floor(random() * (this.#pending.length + 1));
    this.#pending.forEach((change, index) => {
      const survives = this.#personality.orderedNames ? index < cut : random() < 0.5;
      if (!survives) return;
      for (const { directory, name, inode } of change.edits) {
        const map = names.get(directory) ?? new Map<string, Inode>();
        names.set(directory, map);
        if (inode === undefined) map.delete(name);
        else map.set(name, inode);
      }
    });
    const copies = new Map<Inode, Inode>();
    const copy = (inode: Inode): Inode => {
      const known = copies.get(inode);
      if (known !== undefined) return known;
      const twin: Inode = {
        ...inode,
        names: new Map(),
        links: 0,
        data: Buffer.alloc(0),
        durable: undefined,
      };
      copies.set(inode, twin);
      if (inode.kind === "file") {
        twin.data = this.#survivingData(inode, random);
        twin.durable = { data: twin.data, mode: twin.mode };
      }
      for (const [name, child] of names.get(inode) ?? []) {
        const other = copy(child);
        other.links += 1;
        twin.names.set(name, other);
      }
      next.#durableNames.set(twin, new Map(twin.names));
      return twin;
    };
    next.#root = copy(this.#root);
    next.#inodes = this.#inodes;
    next.deafTo = this.deafTo;
    return next;
  }

  /** Sets the clock that gives new times, in nanoseconds since the epoch. */
  setClock(timeNs: bigint): void {
    this.#clockNs = timeNs;
  }

  /** Everything below a directory, as lines; for comparing. */
  tree(path: string, skip: string): Record<string, string> {
    const lines: Record<string, string> = {};
    const visit = (inode: Inode, at: string): void => {
      for (const [name, child] of [...inode.names].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (at === "" && name === skip) continue;
        const here = at === "" ? name : `${at}/${name}`;
        const mode = child.mode.toString(8);
        if (child.kind === "directory") lines[here] = `directory ${mode}`;
        else if (child.kind === "symlink") lines[here] = `link ${child.target}`;
        else lines[here] = `file ${mode} ${JSON.stringify(child.data.toString("latin1"))}`;
        visit(child, here);
      }
    };
    visit(this.#find(path) as Inode, "");
    return lines;
  }

  lstat(path: string): Stamp | undefined {
    const inode = this.#find(path);
    return inode && this.#stamp(inode);
  }

  readdir(path: string): DiskEntry[] {
    const inode = this.#need(path, "scandir");
    return [...inode.names].map(([name, child]) => ({ name, kind: child.kind }));
  }

  readlink(path: string): string {
    return this.#need(path, "readlink").target;
  }

  readFile(path: string): Buffer {
    if (path === "/proc/sys/kernel/random/boot_id") return Buffer.from(`b007-${this.#boot}\n`);
    return Buffer.from(this.#need(path, "open").data);
  }

  isChangeable(directory: string): boolean {
    return this.#find(directory)?.kind === "directory";
  }

  open(path: string, flags: number, mode = 0o666): number {
    let inode = this.#find(path);
    const { O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW } = constants;
    const isNameless = process.platform === "linux" && (flags & 0o20000000) !== 0;
    if (isNameless) throw this.#error("EOPNOTSUPP", "open", path);
    if (inode !== undefined && (flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) {
      throw this.#error("EEXIST", "open", path);
    }
    if (inode === undefined) {
      if ((flags & O_CREAT) === 0) throw this.#error("ENOENT", "open", path);
      this.#change();
      inode = this.#make("file", mode & ~0o022);
      this.#rename([{ path, inode }]);
    } else if ((flags & O_TRUNC) !== 0) {
      this.#change();
      inode.data = Buffer.alloc(0);
      inode.isOverwritten = false;
    }
    if ((flags & O_DIRECTORY) !== 0 && inode.kind !== "directory") {
      throw this.#error("ENOTDIR", "open", path);
    }
    if ((flags & O_NOFOLLOW) !== 0 && inode.kind === "symlink") {
      throw this.#error("ELOOP", "open", path);
    }
    const descriptor = this.#nextDescriptor++;
    this.#descriptors.set(descriptor, inode);
    return descriptor;
  }

  close(descriptor: number): void {
    this.#descriptors.delete(descriptor);
  }

  fstat(descriptor: number): Stamp {
    return this.#stamp(this.#opened(descriptor));
  }

  read(descriptor: number, buffer: Uint8Array, position: number): number {
    const piece = this.#opened(descriptor).data.subarray(position, position + buffer.length);
    buffer.set(piece);
    return piece.length;
  }

  write(descriptor: number, bytes: Uint8Array, position?: number): void {
    this.#change();
    const inode = this.#opened(descriptor);
    const start = position ?? inode.data.length;
    if (start + bytes.length > inode.data.length) inode.isOverwritten = false;
    const data = Buffer.alloc(Math.max(inode.data.length, start + bytes.length));
    data.set(inode.data);
    data.set(bytes, start);
    inode.data = data;
    inode.mtimeNs = this.#now();
  }

  async writeInBackground(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
    this.write(descriptor, bytes, position);
  }

  truncate(descriptor: number, size: number): void {
    this.#change();
    const inode = this.#opened(descriptor);
    const data = Buffer.alloc(size);
    data.set(inode.data.subarray(0, size));
    inode.data = data;
    inode.isOverwritten = false;
  }

  mkdir(path: string, mode: number): void {
    if (this.#find(path) !== undefined) throw this.#error("EEXIST", "mkdir", path);
    this.#change();
    this.#rename([{ path, inode: this.#make("directory", mode & ~0o022) }]);
  }

  rmdir(path: string): void {
    const inode = this.#need(path, "rmdir");
    if (inode.names.size > 0) throw this.#error("ENOTEMPTY", "rmdir", path);
    this.#change();
    this.#rename([{ path, inode: undefined }]);
  }

  unlink(path: string): void {
    this.#need(path, "unlink");
    this.#change();
    this.#rename([{ path, inode: undefined }]);
  }

  rename(source: string, target: string): void {
    const inode = this.#need(source, "rename");
    const over = this.#find(target);
    if (over?.kind === "directory" && over.names.size > 0) {
      throw this.#error("ENOTEMPTY", "rename", target);
    }
    this.#change();
    if (over === inode) return;
    this.#rename([
      { path: source, inode: undefined },
      { path: target, inode },
    ]);
  }

  link(source: string, target: string): void {
    const inode = this.#need(source, "link");
    if (this.#find(target) !== undefined) throw this.#error("EEXIST", "link", target);
    this.#change();
    this.#rename([{ path: target, inode }]);
  }

  symlink(target: string, path: string): void {
    if (this.#find(path) !== undefined) throw this.#error("EEXIST", "symlink", path);
    this.#change();
    const inode = this.#make("symlink", 0o777);
    inode.target = target;
    this.#rename([{ path, inode }]);
  }

  chmod(path: string, mode: number): void {
    const inode = this.#need(path, "chmod");
    this.#change();
    inode.mode = mode;
  }

  fchmod(descriptor: number, mode: number): void {
    this.#change();
    this.#opened(descriptor).mode = mode;
  }

  lchown(path: string, uid: number, gid: number): void {
    const inode = this.#need(path, "lchown");
    this.#change();
    inode.uid = uid;
    inode.gid = gid;
  }

  lutimes(path: string, _atimeNs: bigint, mtimeNs: bigint): void {
    const inode = this.#need(path, "lutimes");
    this.#change();
    inode.mtimeNs = mtimeNs;
  }

  freeBytes(): number {
    return 1e12;
  }

  freeFiles(): number {
    return 1e12;
  }

  async fsync(descriptor: number): Promise<void> {
    this.#change();
    if (this.deafTo === "fsync") return;
    const inode = this.#opened(descriptor);
    if (inode.kind === "directory") {
      this.#keepNames((edit) => edit.directory === inode);
      return;
    }
    const isNew = inode.durable === undefined;
    inode.durable = { data: Buffer.from(inode.data), mode: inode.mode };
    inode.isOverwritten = true;
    if (isNew) this.#keepNames((edit) => edit.inode === inode);
  }

  async fdatasync(descriptor: number): Promise<void> {
    this.#change();
    if (this.deafTo === "fdatasync") return;
    const inode = this.#opened(descriptor);
    inode.durable = { data: Buffer.from(inode.data), mode: inode.durable?.mode ?? inode.mode };
    inode.isOverwritten = true;
  }

  async syncfs(): Promise<boolean> {
    this.#change();
    // It takes its time: what does not wait for it must not rely on it.
    for (let turn = 0; turn < 12; turn++) await new Promise(setImmediate);
    this.#change();
    if (this.deafTo === "syncfs") return true;
    this.#keepNames(() => true);
    const visit = (inode: Inode): void => {
      if (inode.kind === "file") {
        inode.durable = { data: Buffer.from(inode.data), mode: inode.mode };
        inode.isOverwritten = true;
      }
      for (const child of inode.names.values()) visit(child);
    };
    visit(this.#root);
    return true;
  }

  /** Makes changes of names durable; with an order, all before the last of them too. */
  #keepNames(isMeant: (edit: NameChange["edits"][number]) => boolean): void {
    const last = this.#pending.findLastIndex((change) => change.edits.some(isMeant));
    const rest: NameChange[] = [];
    this.#pending.forEach((change, index) => {
      const isKept = this.#personality.orderedNames
        ? index <= last
        : index <= last && change.edits.some(isMeant);
      if (!isKept) {
        rest.push(change);
        return;
      }
      for (const { directory, name, inode } of change.edits) {
        const map = this.#durableNames.get(directory) ?? new Map<string, Inode>();
        this.#durableNames.set(directory, map);
        if (inode === undefined) map.delete(name);
        else map.set(name, inode);
      }
    });
    this.#pending = rest;
  }

  #survivingData(inode: Inode, random: () => number): Buffer {
    const durable = inode.durable?.data;
    if (durable?.equals(inode.data)) return Buffer.from(durable);
    // What was written over where it lies keeps its place: each sector is the old or the new one.
    if (durable !== undefined && inode.isOverwritten && durable.length === inode.data.length) {
      return mixed(inode.data, durable, random);
    }
    const luck = random();
    if (luck < 0.3) return Buffer.from(durable ?? Buffer.alloc(0));
    if (luck < 0.5) return Buffer.from(inode.data);
    if (luck < 0.6) return Buffer.alloc(0);
    const data = Buffer.alloc(inode.data.length);
    for (let start = 0; start < data.length; start += sectorBytes) {
      const end = Math.min(start + sectorBytes, data.length);
      const which = random();
      if (which < 0.5) data.set(inode.data.subarray(start, end), start);
      else if (which < 0.75 && durable !== undefined) data.set(durable.subarray(start, end), start);
    }
    return luck < 0.8 ? data : data.subarray(0, Math.floor(random() * (data.length + 1)));
  }

  #rename(moves: readonly { readonly path: string; readonly inode: Inode | undefined }[]): void {
    const edits = moves.map(({ path, inode }) => {
      const slash = path.lastIndexOf("/");
      const directory = this.#need(path.slice(0, slash) || "/", "rename");
      if (directory.kind !== "directory") throw this.#error("ENOTDIR", "rename", path);
      return { directory, name: path.slice(slash + 1), inode };
    });
    for (const { directory, name, inode } of edits) {
      const over = directory.names.get(name);
      if (over !== undefined) over.links -= 1;
      if (inode === undefined) directory.names.delete(name);
      else {
        inode.links += 1;
        directory.names.set(name, inode);
      }
      directory.mtimeNs = this.#now();
    }
    this.#pending.push({ sequence: this.#sequence++, edits });
  }

  #make(kind: NodeKind, mode: number): Inode {
    const now = this.#now();
    return {
      ino: ++this.#inodes,
      kind,
      mode,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      mtimeNs: now,
      ctimeNs: now,
      target: "",
      data: Buffer.alloc(0),
      durable: undefined,
      isOverwritten: true,
      names: new Map(),
      links: 0,
    };
  }

  #stamp(inode: Inode): Stamp {
    const { kind, ino, mode, uid, gid, mtimeNs, ctimeNs } = inode;
    const size = kind === "symlink" ? inode.target.length : inode.data.length;
    return { kind, dev: 1n, ino, mode, nlink: inode.links, uid, gid, size, mtimeNs, ctimeNs };
  }

  #find(path: string): Inode | undefined {
    let inode: Inode | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      inode = inode?.kind === "directory" ? inode.names.get(name) : undefined;
    }
    return inode;
  }

  #need(path: string, syscall: string): Inode {
    const inode = this.#find(path);
    if (inode === undefined) throw this.#error("ENOENT", syscall, path);
    return inode;
  }

  #opened(descriptor: number): Inode {
    const inode = this.#descriptors.get(descriptor);
    if (inode === undefined) throw this.#error("EBADF", "descriptor", String(descriptor));
    return inode;
  }

  #change(): void {
    this.beforeChange(this.changes++);
  }

  #now(): bigint {
    this.#clockNs += 1_000n;
    return this.#clockNs;
  }

  #error(code: string, syscall: string, path: string): Error {
    return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
  }
}

function mixed(written: Buffer, durable: Buffer, random: () => number): Buffer {
  const luck = random();
  if (luck < 0.3) return Buffer.from(written);
  const data = Buffer.from(durable);
  if (luck < 0.5) return data;
  for (let start = 0; start < data.length; start += sectorBytes) {
    const end = Math.min(start + sectorBytes, data.length);
    if (random() < 0.5) data.set(written.subarray(start, end), start);
  }
  return data;
}
