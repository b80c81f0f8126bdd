import { constants } from "node:fs";
import { constants as osConstants } from "node:os";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import { factsPrefixOf, sinceOf, upperNameOf } from "./served-names.ts";
import type { UpperView } from "./upper-view.ts";

/** The descriptor of the facts; those of the tree are never negative. */
const factsDescriptor = -1;

/**
 * Adds to a served tree what only its owner can name: the upper, as a directory whose nodes are
 * looked at afresh every time and which cannot be listed; and what these do not show, see
 * `ServedFacts`, as a file for each name by which it is asked for.
 */
export function ownerBackend(tree: FuseBackend, upper: UpperView, secret: string): FuseBackend {
  const upperName = upperNameOf(secret);
  const factsPrefix = factsPrefixOf(secret);
  let facts: { path: string; bytes: Buffer } = { path: "", bytes: Buffer.alloc(0) };
  let looks = 0n;

  /** The path inside the upper, `undefined` for paths of the tree. */
  const inUpper = (path: string): string | undefined => {
    if (path === upperName) return "";
    return path.startsWith(`${upperName}/`) ? path.slice(upperName.length + 1) : undefined;
  };
  const inTree = (path: string): string => inUpper(path) ?? path;
  const isFacts = (path: string): boolean => path.startsWith(factsPrefix);
  const attributesOfFacts = (path: string): Attributes => {
    // Whoever reads it asks several times: while he does, a command may rename more.
    if (facts.path !== path) {
      facts = { path, bytes: upper.look(sinceOf(path)) };
      looks += 1n;
    }
    const own = { ...tree.stat(""), mode: constants.S_IFREG | 0o400, nlink: 1, isVolatile: true };
    return { ...own, size: BigInt(facts.bytes.length), ino: (1n << 62n) + looks };
  };

  /** Whoever has learned the names can read by them what he sees anyway, and change nothing. */
  const own = (path: string): boolean => isFacts(path) || inUpper(path) !== undefined;
  const { refusing, refusingBoth } = refusalsOf(own);
  const stat = (path: string): Attributes => {
    if (isFacts(path)) return attributesOfFacts(path);
    const place = inUpper(path);
    if (place === undefined) return tree.stat(path);
    return { ...upper.stat(place), isVolatile: true };
  };

  return {
    ...tree,
    isVolatile: (path) => own(path),
    lowerDirectory: (path) => (own(path) ? undefined : tree.lowerDirectory(path)),
    create: refusing(tree.create),
    makeSpecial: refusing(tree.makeSpecial),
    mkdir: refusing(tree.mkdir),
    unlink: refusing(tree.unlink),
    rmdir: refusing(tree.rmdir),
    lchown: refusing(tree.lchown),
    lutimes: refusing(tree.lutimes),
    rename: refusingBoth(tree.rename),
    link: refusingBoth(tree.link),
    symlink: (target, path) => {
      if (own(path)) throw notPermitted(path);
      tree.symlink(target, path);
    },
    stat,
    find: (path) => (own(path) ? stat(path) : tree.find(path)),
    // The kernel would keep what it is told: of the upper it would be wrong.
    list: refusing(tree.list),
    readlink: (path) => tree.readlink(inTree(path)),
    open: (path, writable) => {
      if (writable && own(path)) throw notPermitted(path);
      return isFacts(path) ? factsDescriptor : tree.open(inTree(path), writable);
    },
    close: (descriptor) => {
      if (descriptor !== factsDescriptor) tree.close(descriptor);
    },
    read: (descriptor, buffer, position) => {
      if (descriptor !== factsDescriptor) return tree.read(descriptor, buffer, position);
      return facts.bytes.copy(buffer, 0, position);
    },
    dataRanges: (descriptor, size) =>
      descriptor === factsDescriptor
        ? [{ start: 0, end: size }]
        : tree.dataRanges(descriptor, size),
    statDescriptor: (descriptor) =>
      descriptor === factsDescriptor
        ? attributesOfFacts(facts.path)
        : tree.statDescriptor(descriptor),
    chmod: (path, mode) => {
      if (isFacts(path)) throw notPermitted(path);
      tree.chmod(inTree(path), mode);
    },
  };
}

/** What refuses changes of what is the owner's, by one path or by either of two. */
function refusalsOf(own: (path: string) => boolean) {
  return {
    refusing:
      <Rest extends unknown[], Result>(
        change: (path: string, ...rest: Rest) => Result,
      ): ((path: string, ...rest: Rest) => Result) =>
      (path, ...rest) => {
        if (own(path)) throw notPermitted(path);
        return change(path, ...rest);
      },
    refusingBoth:
      (change: (source: string, target: string) => void) =>
      (source: string, target: string): void => {
        if (own(source) || own(target)) throw notPermitted(source);
        change(source, target);
      },
  };
}

function notPermitted(path: string): Error {
  return Object.assign(new Error(`EPERM: operation not permitted, '${path}'`), {
    code: "EPERM",
    errno: -osConstants.errno.EPERM,
  });
}
