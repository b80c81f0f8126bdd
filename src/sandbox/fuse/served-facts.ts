import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import { factsNameOf, secretOf } from "./served-names.ts";

/** What the upper of a served tree holds and stats of its nodes do not tell. */
export interface ServedFacts {
  /** The names in each directory of the upper, by its path. */
  readonly names: ReadonlyMap<TreePath, readonly string[]>;
  /**
   * The lower directories that show through under another name, by path; each as the value that
   * overlayfs would give it.
   */
  readonly redirects: ReadonlyMap<TreePath, string>;
  /**
   * Nodes that are shown as the user's own and are another's, by path; each with its path on the
   * disk: in a namespace of one user the server knows no other's number either.
   */
  readonly foreign: ReadonlyMap<TreePath, TreePath>;
}

/** The facts as the server writes them. */
export interface FactsJson {
  readonly names: readonly (readonly [TreePath, readonly string[]])[];
  readonly redirects: readonly (readonly [TreePath, string])[];
  readonly foreign: readonly (readonly [TreePath, TreePath])[];
}

/**
 * Asks the server of a FUSE mount what its upper does not show.
 *
 * @param viewDescriptor of the top of the mount.
 */
export function readServedFacts(viewDescriptor: number, upperName: string): ServedFacts {
  const name = factsNameOf(secretOf(upperName), randomBytes(8).toString("hex"));
  // A name that is looked up can be learned by watching the directory: never through a link there.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  const descriptor = openSync(`/proc/self/fd/${viewDescriptor}/${name}`, flags);
  try {
    const facts = JSON.parse(readFileSync(descriptor, "utf8")) as FactsJson;
    const { names, redirects, foreign } = facts;
    return { names: new Map(names), redirects: new Map(redirects), foreign: new Map(foreign) };
  } finally {
    closeSync(descriptor);
  }
}
