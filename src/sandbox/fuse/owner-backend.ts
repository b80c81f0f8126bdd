import { constants } from "node:fs";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";
import { redirectsNameOf, upperNameOf } from "./served-names.ts";
import type { UpperView } from "./upper-view.ts";

/** The descriptor of the list of redirects; those of the tree are never negative. */
const redirectsDescriptor = -1;

/**
 * Adds to a served tree what only its owner can name: the upper, as a directory, and the list of
 * moved lower directories, as a file. Both are looked at afresh every time.
 */
export function ownerBackend(tree: FuseBackend, upper: UpperView, secret: string): FuseBackend {
  const upperName = upperNameOf(secret);
  const redirectsName = redirectsNameOf(secret);
  let redirects: Buffer = Buffer.alloc(0);
  let looks = 0n;

  /** The path inside the upper, `undefined` for paths of the tree. */
  const inUpper = (path: string): string | undefined => {
    if (path === upperName) return "";
    return path.startsWith(`${upperName}/`) ? path.slice(upperName.length + 1) : undefined;
  };
  const inTree = (path: string): string => inUpper(path) ?? path;
  const listOfRedirects = (): Attributes => {
    redirects = upper.redirects();
    looks += 1n;
    const size = BigInt(redirects.length);
    const own = { ...tree.stat(""), size, mode: constants.S_IFREG | 0o400, nlink: 1 };
    return { ...own, ino: (1n << 62n) + looks, isVolatile: true };
  };

  return {
    ...tree,
    stat: (path) => {
      if (path === redirectsName) return listOfRedirects();
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
      path === redirectsName ? redirectsDescriptor : tree.open(inTree(path), writable),
    close: (descriptor) => {
      if (descriptor !== redirectsDescriptor) tree.close(descriptor);
    },
    read: (descriptor, buffer, position) => {
      if (descriptor !== redirectsDescriptor) return tree.read(descriptor, buffer, position);
      return redirects.copy(buffer, 0, position);
    },
    chmod: (path, mode) => tree.chmod(inTree(path), mode),
  };
}
