import { constants } from "node:fs";
import { constants as osConstants } from "node:os";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import { redirectsNameOf, upperNameOf } from "./served-names.ts";
import type { UpperView } from "./upper-view.ts";

/** The descriptor of the list of redirects; those of the tree are never negative. */
const redirectsDescriptor = -1;

/**
 * Adds to a served tree what only its owner can name: the upper, as a directory that is
 * looked at afresh every time, and the list of moved lower directories, as a file for each name by
 * which it is asked for.
 */
export function ownerBackend(tree: FuseBackend, upper: UpperView, secret: string): FuseBackend {
  const upperName = upperNameOf(secret);
  const redirectsPrefix = redirectsNameOf(secret, "");
  let redirects: { path: string; bytes: Buffer } = { path: "", bytes: Buffer.alloc(0) };
  let looks = 0n;

  /** The path inside the upper, `undefined` for paths of the tree. */
  const inUpper = (path: string): string | undefined => {
    if (path === upperName) return "";
    return path.startsWith(`${upperName}/`) ? path.slice(upperName.length + 1) : undefined;
  };
  const inTree = (path: string): string => inUpper(path) ?? path;
  const isRedirects = (path: string): boolean => path.startsWith(redirectsPrefix);
  const listOfRedirects = (path: string): Attributes => {
    // Whoever reads it asks several times: while he does, a command may rename more.
    if (redirects.path !== path) {
      redirects = { path, bytes: upper.redirects() };
      looks += 1n;
    }
    const size = BigInt(redirects.bytes.length);
    const own = { ...tree.stat(""), size, mode: constants.S_IFREG | 0o400, nlink: 1 };
    return { ...own, ino: (1n << 62n) + looks, isVolatile: true };
  };

  /** Whoever has learned the names can read by them what he sees anyway, and change nothing. */
  const own = (path: string): boolean => isRedirects(path) || inUpper(path) !== undefined;
  const refusing =
    <Rest extends unknown[], Result>(
      change: (path: string, ...rest: Rest) => Result,
    ): ((path: string, ...rest: Rest) => Result) =>
    (path, ...rest) => {
      if (own(path)) throw notPermitted(path);
      return change(path, ...rest);
    };
  const refusingBoth =
    (change: (source: string, target: string) => void) =>
    (source: string, target: string): void => {
      if (own(source) || own(target)) throw notPermitted(source);
      change(source, target);
    };

  return {
    ...tree,
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
    stat: (path) => {
      if (isRedirects(path)) return listOfRedirects(path);
      const place = inUpper(path);
      if (place === undefined) return tree.stat(path);
      return { ...upper.stat(place), isVolatile: true };
    },
    list: (path) => {
      const place = inUpper(path);
      return place === undefined ? tree.list(path) : upper.list(place);
    },
    readlink: (path) => tree.readlink(inTree(path)),
    open: (path, writable) => {
      if (writable && own(path)) throw notPermitted(path);
      return isRedirects(path) ? redirectsDescriptor : tree.open(inTree(path), writable);
    },
    close: (descriptor) => {
      if (descriptor !== redirectsDescriptor) tree.close(descriptor);
    },
    read: (descriptor, buffer, position) => {
      if (descriptor !== redirectsDescriptor) return tree.read(descriptor, buffer, position);
      return redirects.bytes.copy(buffer, 0, position);
    },
    dataRanges: (descriptor, size) =>
      descriptor === redirectsDescriptor
        ? [{ start: 0, end: size }]
        : tree.dataRanges(descriptor, size),
    statDescriptor: (descriptor) =>
      descriptor === redirectsDescriptor
        ? listOfRedirects(redirects.path)
        : tree.statDescriptor(descriptor),
    chmod: (path, mode) => {
      if (isRedirects(path)) throw notPermitted(path);
      tree.chmod(inTree(path), mode);
    },
  };
}

function notPermitted(path: string): Error {
  return Object.assign(new Error(`EPERM: operation not permitted, '${path}'`), {
    code: "EPERM",
    errno: -osConstants.errno.EPERM,
  });
}
