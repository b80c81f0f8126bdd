import { StrayedError } from "../../disk/lower/straight-open.ts";
import { byteLengthOf } from "../../disk/names.ts";
import { nameBytesMax, pathBytesMax, symlinkHopsMax } from "../../limits.ts";
import { credentials, mayExecute, requireAccess } from "../credentials.ts";
import { codeOf, Fault } from "../file-system-error.ts";
import type { DirectoryNode } from "../node.ts";
import type { Found, Tree } from "../tree.ts";
import { requireFollowable } from "./sticky-directory.ts";

/** Where a path leads: the directory and name of its last component, and what lies there. */
export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly found: Found;
  /** How the path ends: an ordinary name, or one that names a directory by itself. */
  readonly last: "name" | "dot" | "dotdot" | "root";
  /** Whether the path ends in a slash: only a directory can be meant. */
  readonly trailingSlash: boolean;
}

/** A place at which something lies. */
export interface ExistingPlace extends Place {
  readonly found: NonNullable<Place["found"]>;
}

export function exists(place: Place): place is ExistingPlace {
  return place.found !== undefined;
}

/** Whether a directory lies at a place. */
export function isDirectory(place: Place): boolean {
  const { found } = place;
  if (found === undefined) return false;
  return found.kind === "upper" ? found.node.kind === "directory" : found.stats.isDirectory();
}

/** A path that leaves the root. */
export interface Outside {
  /** The absolute path, links followed as was asked. */
  readonly outside: string;
  readonly trailingSlash: boolean;
}

/**
 * What happens to a link in the last component: calls that look through it (`stat`) always follow
 * it, calls on the link itself (`lstat`) only before a slash, and calls that make or take away a
 * name (`unlink`, `mkdir`) never.
 */
export type Following = "always" | "before slash" | "never" | Creating;

/**
 * A link in the last component of a path at which a file is to be made: followed unless the file
 * must be new. A slash after the last component is refused before a look at it.
 *
 * Source: `open_last_lookups` in Linux `fs/namei.c`.
 */
export type Creating = "for creation" | "for new file";

/** Whether a link is followed that no slash comes after. */
export function followsPlain(follow: Following): boolean {
  return follow === "always" || follow === "for creation";
}

/**
 * Follows a path component by component through the merged tree, as the kernel does: links are
 * resolved in the merged view, `..` leads to the parent of where a link led.
 */
export class PathWalk {
  readonly #tree: Tree;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /**
   * @param path as the caller gave it; relative ones start at the root of the overlay.
   * @throws {Fault} `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`, `EACCES`.
   */
  walk(path: string, follow: Following): Place | Outside {
    if (path === "") throw new Fault("ENOENT");
    if (path.length * 3 >= pathBytesMax && byteLengthOf(path) >= pathBytesMax) {
      throw new Fault("ENAMETOOLONG");
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return new Walker(this.#tree, follow).run(path);
      } catch (caught) {
        if (attempt === attemptsMax || !hasChanged(caught)) throw caught;
      }
    }
  }
}

/** How often a path is followed anew on which somebody replaces links, or puts them. */
const attemptsMax = 8;

/**
 * Whether what was a link right before was none when it was to be read, or what was a directory is
 * a link now.
 */
function hasChanged(caught: unknown): boolean {
  return codeOf(caught) === "EINVAL" || caught instanceof StrayedError;
}

const placeOfRoot = (tree: Tree, last: Place["last"], trailingSlash: boolean): Place => ({
  directory: tree.root,
  name: "",
  found: { kind: "upper", node: tree.root },
  last,
  trailingSlash,
});

class Walker {
  readonly #tree: Tree;
  readonly #follow: Following;
  #hops = 0;
  /** The directory that the next component is looked up in; `undefined` outside of the root. */
  #directory: DirectoryNode | undefined;
  /** Absolute path of where we are outside of the root. */
  #outside = "/";
  /** Why the way outside of the root ends there; told only to who comes back inside by it. */
  #outsideFault: string | undefined = undefined;
  /** Components still to go, the next one last. */
  #pending: string[] = [];
  #trailingSlash = false;

  constructor(tree: Tree, follow: Following) {
    this.#tree = tree;
    this.#follow = follow;
    this.#directory = tree.root;
  }

  run(path: string): Place | Outside {
    this.#trailingSlash = path.endsWith("/");
    this.#push(path);
    let last: Place["last"] = "root";
    for (;;) {
      const name = this.#pending.pop();
      if (name === undefined) break;
      const isLast = this.#pending.length === 0;
      if (this.#directory === undefined) {
        this.#stepOutside(name);
        last = "root";
        continue;
      }
      if (name === "." || name === "..") {
        this.#requireEntered(this.#directory);
        if (name === "..") this.#up();
        last = name === "." ? "dot" : "dotdot";
        continue;
      }
      const place = this.#step(this.#directory, name, isLast);
      if (place !== undefined) return place;
      last = "name";
    }
    return this.#here(last);
  }

  /** Enters one component. Returns the place when the path ends there. */
  #step(directory: DirectoryNode, name: string, isLast: boolean): Place | undefined {
    requireSearch(directory);
    if (isLast && this.#trailingSlash && isCreating(this.#follow)) throw new Fault("EISDIR");
    if (name.length * 3 > nameBytesMax && byteLengthOf(name) > nameBytesMax) {
      throw new Fault("ENAMETOOLONG");
    }
    const found = this.#tree.lookup(directory, name);
    const target = this.#linkTarget(found);
    if (found !== undefined && target !== undefined && (!isLast || this.#followsLast())) {
      if (isLast) requireFollowable(this.#tree, directory, found);
      this.#hops += 1;
      if (this.#hops > symlinkHopsMax) throw new Fault("ELOOP");
      if (target === "") throw new Fault("ENOENT");
      if (isLast && target.endsWith("/")) this.#trailingSlash = true;
      this.#push(target);
      return undefined;
    }
    if (isLast) {
      return { directory, name, found, last: "name", trailingSlash: this.#trailingSlash };
    }
    if (found === undefined) throw new Fault("ENOENT");
    this.#directory = this.#asDirectory(directory, name, found);
    return undefined;
  }

  /** `.` and `..` ask for the right to search too, and nothing is looked up that would. */
  #requireEntered(directory: DirectoryNode): void {
    const { attached, lowerPath } = directory;
    if (attached) requireAccess(directory, mayExecute);
    else if (credentials.uid !== 0 && lowerPath !== undefined) {
      this.#tree.lower.lstat(`${lowerPath}/.`);
    }
  }

  #followsLast(): boolean {
    return followsPlain(this.#follow) || (this.#follow === "before slash" && this.#trailingSlash);
  }

  #asDirectory(parent: DirectoryNode, name: string, found: NonNullable<Found>): DirectoryNode {
    if (found.kind === "upper") {
      if (found.node.kind === "directory") return found.node;
    } else if (found.stats.isDirectory()) {
      return this.#tree.passThrough(parent, name, found.path);
    }
    throw new Fault("ENOTDIR");
  }

  #linkTarget(found: Found): string | undefined {
    if (found === undefined) return undefined;
    if (found.kind === "upper")
      return found.node.kind === "symlink" ? found.node.target : undefined;
    return found.stats.isSymbolicLink() ? this.#tree.lower.readlink(found.path) : undefined;
  }

  /** Puts the components of a path or link target before those still to go. */
  #push(path: string): void {
    const components = path.split("/");
    if (path.startsWith("/")) this.#startAbsolute(components);
    for (let index = components.length - 1; index >= 0; index--) {
      const component = components[index];
      if (component !== undefined && component !== "") this.#pending.push(component);
    }
  }

  /** Starts over at `/`; the components that spell the root itself are taken off. */
  #startAbsolute(components: string[]): void {
    const root = this.#tree.rootPath === "/" ? [] : this.#tree.rootPath.slice(1).split("/");
    const own = components.filter((component) => component !== "");
    const isInside = root.every((component, index) => own[index] === component);
    components.length = 0;
    if (isInside) {
      components.push(...own.slice(root.length));
      this.#directory = this.#tree.root;
    } else {
      components.push(...own);
      this.#directory = undefined;
      this.#outside = "/";
    }
  }

  #up(): void {
    const directory = this.#directory;
    if (directory === undefined) return;
    if (directory !== this.#tree.root) {
      this.#directory = directory.parent;
      return;
    }
    if (this.#tree.rootPath === "/") return;
    this.#directory = undefined;
    this.#outside = parentOfAbsolute(this.#tree.rootPath);
  }

  /** Follows one component outside of the root, looking at the lower only. */
  #stepOutside(name: string): void {
    if (name === ".") return;
    if (name === "..") {
      this.#outside = parentOfAbsolute(this.#outside);
      return;
    }
    const path = this.#outside === "/" ? `/${name}` : `${this.#outside}/${name}`;
    if (path === this.#tree.rootPath) {
      if (this.#outsideFault !== undefined) throw new Fault(this.#outsideFault);
      this.#directory = this.#tree.root;
      return;
    }
    const stats = this.#lstatOutside(path);
    if (stats?.isSymbolicLink() === true) {
      this.#hops += 1;
      if (this.#hops > symlinkHopsMax) throw new Fault("ELOOP");
      const isLast = this.#pending.length === 0;
      if (!isLast || this.#followsLast()) {
        this.#push(this.#tree.lower.readlink(path));
        return;
      }
    }
    if (this.#pending.length > 0 && stats?.isDirectory() !== true) {
      this.#outsideFault ??= stats === undefined ? "ENOENT" : "ENOTDIR";
    }
    this.#outside = path;
  }

  #lstatOutside(path: string): ReturnType<Tree["lower"]["lstat"]> {
    try {
      return this.#tree.lower.lstat(path);
    } catch (caught) {
      // Not ours to see: it stays outside whatever it is.
      this.#outsideFault ??= codeOf(caught) ?? "EACCES";
      return undefined;
    }
  }

  /** The place of the directory that the path ended in. */
  #here(last: Place["last"]): Place | Outside {
    const directory = this.#directory;
    const trailingSlash = this.#trailingSlash;
    if (directory === undefined) return { outside: this.#outside, trailingSlash };
    const { parent } = directory;
    if (parent === undefined) {
      // The kernel sees the name of the root, and a slash after it.
      const isNamed = last === "root" || last === "name";
      if (isNamed && trailingSlash && isCreating(this.#follow)) throw new Fault("EISDIR");
      return placeOfRoot(this.#tree, last === "name" ? "root" : last, trailingSlash);
    }
    const found = this.#tree.lookup(parent, directory.name);
    return { directory: parent, name: directory.name, found, last, trailingSlash };
  }
}

function isCreating(follow: Following): follow is Creating {
  return follow === "for creation" || follow === "for new file";
}

function requireSearch(directory: DirectoryNode): void {
  // The lower itself refuses a search in a directory that is still its own.
  if (directory.attached) requireAccess(directory, mayExecute);
}

function parentOfAbsolute(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
