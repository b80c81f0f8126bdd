import { constants } from "node:fs";
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

  return {
    ...tree,
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
    open: (path, writable) =>
      isRedirects(path) ? redirectsDescriptor : tree.open(inTree(path), writable),
    close: (descriptor) => {
      if (descriptor !== redirectsDescriptor) tree.close(descriptor);
    },
    read: (descriptor, buffer, position) => {
      if (descriptor !== redirectsDescriptor) return tree.read(descriptor, buffer, position);
      return redirects.bytes.copy(buffer, 0, position);
    },
    chmod: (path, mode) => tree.chmod(inTree(path), mode),
  };
}
