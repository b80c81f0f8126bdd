import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import { factsNameOf, secretOf } from "./served-names.ts";

/** The generation since which everything is new. */
export const everything = -1;

/** What the upper of a served tree holds and stats of its nodes do not tell. */
export interface ServedFacts {
  /** Of the server, at the moment that is told of. */
  readonly generation: number;
  /**
   * What has changed since the generation that was asked for: all else, and nothing of it, is as it
   * was. `undefined` when everything was asked for.
   */
  readonly newer: readonly TreePath[] | undefined;
  /** The names in directories of the upper, by path. */
  readonly names: ReadonlyMap<TreePath, readonly string[]>;
  /**
   * The lower directories that show through under another name, by path; each as the value that
   * overlayfs would give it.
   */
  readonly redirects: ReadonlyMap<TreePath, string>;
  /** Where files and links that were renamed lay on the disk, by path. */
  readonly origins: ReadonlyMap<TreePath, TreePath>;
  /**
   * Nodes that are shown as the user's own and are another's, by path; each with its path on the
   * disk: in a namespace of one user the server knows no other's number either.
   */
  readonly foreign: ReadonlyMap<TreePath, TreePath>;
}

/** The facts as the server writes them. */
export interface FactsJson {
  readonly generation: number;
  readonly newer?: readonly TreePath[] | undefined;
  readonly names: readonly (readonly [TreePath, readonly string[]])[];
  readonly redirects: readonly (readonly [TreePath, string])[];
  readonly origins: readonly (readonly [TreePath, TreePath])[];
  readonly foreign: readonly (readonly [TreePath, TreePath])[];
}

/** What to ask a server for. */
export interface FactsWanted {
  /** Of the top of the mount. */
  readonly viewDescriptor: number;
  readonly upperName: string;
  /** A generation of the server: what is older is not told. */
  readonly since: number;
}

/** Asks the server of a FUSE mount what its upper does not show. */
export function readServedFacts({ viewDescriptor, upperName, since }: FactsWanted): ServedFacts {
  const name = factsNameOf(secretOf(upperName), randomBytes(8).toString("hex"), since);
  // A name that is looked up can be learned by watching the directory: never through a link there.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  const descriptor = openSync(`/proc/self/fd/${viewDescriptor}/${name}`, flags);
  try {
    const facts = JSON.parse(readFileSync(descriptor, "utf8")) as FactsJson;
    return {
      generation: facts.generation,
      newer: facts.newer,
      names: new Map(facts.names),
      redirects: new Map(facts.redirects),
      origins: new Map(facts.origins),
      foreign: new Map(facts.foreign),
    };
  } finally {
    closeSync(descriptor);
  }
}
