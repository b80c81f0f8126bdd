/** Variable of the environment in which a FUSE server finds its order, as JSON. */
export const serverOrderVariable = "DRAFTFS_FUSE_SERVER";

/** Descriptor of `/dev/fuse` in the server. */
export const serverDevice = 3;

/** What a FUSE server is told when it is started. */
export interface ServerOrder {
  /** The real tree, which the server sees uncovered. */
  readonly root: string;
  /** A random word in which the names that only the owner knows begin. */
  readonly secret: string;
  /** Most bytes that may be pending. */
  readonly uncommittedBytesMax: number;
  /** Process of draftfs, which brings what is pending into the tree: denied names too. */
  readonly owner: number;
  /** Whether owners that the namespace cannot express are shown as the user's own. */
  readonly squash: boolean;
  /** Globs of files that nobody may read through the mount. */
  readonly denyRead: readonly string[];
  /** Paths of the tree to which denied links lead. */
  readonly deniedLinks: readonly string[];
}

/** What a server prints when it is about to answer. */
export const servingLine = "serving";

/** Name at the top of the mount under which the upper is shown; not listed. */
export function upperNameOf(secret: string): string {
  return `${secret}.upper`;
}

/** The secret of an upper's name. */
export function secretOf(upperName: string): string {
  return upperName.slice(0, -".upper".length);
}

/** From which generations of the server on changes are to be told; -1 for everything. */
export interface Since {
  /** What stats do not show. */
  readonly facts: number;
  /** Nodes, with their attributes and the bytes of small files. */
  readonly nodes: number;
}

/**
 * Name at the top of the mount of a file that tells what the upper holds; not listed.
 *
 * @param look names the moment: the file stays what it was when it was first asked for.
 */
export function factsNameOf(secret: string, look: string, { facts, nodes }: Since): string {
  return `${factsPrefixOf(secret)}${look}.${facts}.${nodes}`;
}

/** With what the names of such files begin. */
export function factsPrefixOf(secret: string): string {
  return `${secret}.facts.`;
}

/** The generations in the name of such a file. */
export function sinceOf(factsName: string): Since {
  const [facts, nodes] = factsName.split(".").slice(-2).map(Number) as [number, number];
  return { facts, nodes };
}
