import type { NodeStats } from "../../disk/node-stats.ts";
import { nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { ToldNode } from "../harvest/harvest-source.ts";
import type { MirrorNode } from "../harvest/mirror.ts";
import type { DirectoryTouched, TouchedNames } from "../harvest/touched-names.ts";
import { everything, type FactsWanted, readServedFacts, type ServedFacts } from "./served-facts.ts";
import type { Since } from "./served-names.ts";

/**
 * The upper of a FUSE mount as its server knows it: everything that changes it goes through the
 * server, so nothing has to be watched to know what was touched.
 */
export class ServedUpper {
  readonly #read: (since: Since) => ServedFacts;
  #generation = everything;

  constructor(mount: Omit<FactsWanted, "since">) {
    this.#read = (since) => readServedFacts({ ...mount, since });
  }

  /** @param isSettled whether only what has been touched since the last look matters. */
  look(isSettled: boolean): ServedLook {
    const nodes = this.#generation;
    const facts = this.#read({ facts: isSettled ? nodes : everything, nodes });
    const { generation } = facts;
    this.#generation = generation;
    return new ServedLook(facts, () => this.#read({ facts: everything, nodes: generation }));
  }
}

/** What the server of a FUSE mount tells of its upper at one moment. */
export class ServedLook implements TouchedNames {
  readonly knowsLinks = true;
  readonly #newer: ServedFacts;
  readonly #readAll: () => ServedFacts;
  /** The names that lead to what has been touched, in each directory. */
  readonly #touched = new Map<TreePath, Set<string>>();
  readonly #told: ReadonlySet<TreePath>;
  #all: ServedFacts | undefined;

  constructor(newer: ServedFacts, readAll: () => ServedFacts) {
    this.#newer = newer;
    this.#readAll = readAll;
    this.#told = new Set(newer.newer);
    for (const path of this.#told) this.#lead(path);
    if (newer.newer === undefined) this.#all = newer;
  }

  /** Whether it tells what has been touched, and not of everything. */
  get isPartial(): boolean {
    return this.#newer.newer !== undefined;
  }

  names(path: TreePath): readonly string[] {
    return this.#newer.names.get(path) ?? this.#factsOfAll().names.get(path) ?? [];
  }

  /** What lies at a path, at the moment of the look, where it has changed since the last one. */
  nodeAt(path: TreePath): ToldNode | undefined {
    return this.#newer.nodes.get(path);
  }

  redirect(path: TreePath): string | undefined {
    return this.#factsOn(path).redirects.get(path);
  }

  origin(path: TreePath): TreePath | undefined {
    return this.#factsOn(path).origins.get(path);
  }

  foreign(path: TreePath): TreePath | undefined {
    return this.#factsOn(path).foreign.get(path);
  }

  namesTouched(
    path: TreePath,
    node: MirrorNode,
    stats: NodeStats | undefined,
  ): DirectoryTouched | undefined {
    if (stats !== undefined && stats.ino !== node.ino) return undefined;
    const touched = this.#touched.get(path) ?? new Set();
    const mayDiffer = (name: string): boolean =>
      touched.has(name) || node.children.get(name)?.ino === undefined;
    return { all: this.#newer.names.has(path) ? undefined : touched, mayDiffer };
  }

  #lead(path: TreePath): void {
    if (path === "") return;
    const parent = parentOf(path);
    const names = this.#touched.get(parent);
    if (names !== undefined) {
      names.add(nameOf(path));
      return;
    }
    this.#touched.set(parent, new Set([nameOf(path)]));
    this.#lead(parent);
  }

  #factsOn(path: TreePath): ServedFacts {
    return this.#told.has(path) ? this.#newer : this.#factsOfAll();
  }

  /** Of what has not been touched, such as where a command has just moved things about. */
  #factsOfAll(): ServedFacts {
    this.#all ??= this.#readAll();
    return this.#all;
  }
}
