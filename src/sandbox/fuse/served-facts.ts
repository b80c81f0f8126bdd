import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";
import type { TreePath } from "../../disk/tree-path.ts";
import type { ToldNode } from "../harvest/harvest-source.ts";
import { factsNameOf, type Since, secretOf } from "./served-names.ts";
import { decodeLook, type SoleOwner } from "./served-nodes.ts";

/** The generation since which everything is new. */
export const everything = -1;

/** A message of this size is not left in the memory of the server. */
const keptBytesMax = 1024 * 1024;

/** What the upper of a served tree holds: what stats of its nodes do not tell, and some nodes. */
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
  /** The nodes that have changed since the generation that was asked for. */
  readonly nodes: ReadonlyMap<TreePath, ToldNode>;
}

/** The facts as the server writes them. */
export interface FactsJson {
  readonly generation: number;
  readonly newer?: readonly TreePath[] | undefined;
  readonly names: readonly (readonly [TreePath, readonly string[]])[];
  readonly redirects: readonly (readonly [TreePath, string])[];
  readonly origins: readonly (readonly [TreePath, TreePath])[];
  readonly foreign: readonly (readonly [TreePath, TreePath])[];
  readonly nodes: readonly TreePath[];
}

/** What to ask a server for. */
export interface FactsWanted {
  /** Of the top of the mount. */
  readonly viewDescriptor: number;
  readonly upperName: string;
  readonly owner: SoleOwner | undefined;
  readonly since: Since;
}

/** Asks the server of a FUSE mount what its upper holds. */
export function readServedFacts(wanted: FactsWanted): ServedFacts {
  const message = readMessage(wanted);
  const { text, nodes } = decodeLook(message, wanted.owner);
  const facts = JSON.parse(text) as FactsJson;
  if (message.length > keptBytesMax) {
    // The server keeps what was asked for last, until it is asked for something else.
    const nothing = { facts: facts.generation, nodes: facts.generation };
    statSync(placeOf(wanted, nothing));
  }
  return {
    generation: facts.generation,
    newer: facts.newer,
    names: new Map(facts.names),
    redirects: new Map(facts.redirects),
    origins: new Map(facts.origins),
    foreign: new Map(facts.foreign),
    nodes: new Map(facts.nodes.map((path) => [path, nodes.next().value as ToldNode])),
  };
}

function readMessage(wanted: FactsWanted): Buffer {
  // A name that is looked up can be learned by watching the directory: never through a link there.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  const descriptor = openSync(placeOf(wanted, wanted.since), flags);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function placeOf({ viewDescriptor, upperName }: FactsWanted, since: Since): string {
  const name = factsNameOf(secretOf(upperName), randomBytes(8).toString("hex"), since);
  return `/proc/self/fd/${viewDescriptor}/${name}`;
}
