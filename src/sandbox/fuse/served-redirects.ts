import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import { redirectsNameOf, secretOf } from "./served-names.ts";

/**
 * The lower directories that show through a FUSE mount under another name, by path; each as the
 * value that overlayfs would give it.
 *
 * @param viewDescriptor of the top of the mount.
 */
export function readServedRedirects(
  viewDescriptor: number,
  upperName: string,
): ReadonlyMap<TreePath, string> {
  const name = redirectsNameOf(secretOf(upperName), randomBytes(8).toString("hex"));
  // A name that is looked up can be learned by watching the directory: never through a link there.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  const descriptor = openSync(`/proc/self/fd/${viewDescriptor}/${name}`, flags);
  try {
    const rows = JSON.parse(readFileSync(descriptor, "utf8")) as [TreePath, string][];
    return new Map(rows);
  } finally {
    closeSync(descriptor);
  }
}
