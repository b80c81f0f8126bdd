import { defaultList } from "../../disk/access-list.ts";
import { type ExtendedAttributes, nativeCalls } from "../../disk/native/native-calls.ts";
import { absoluteOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Entry, HarvestSource } from "./harvest-source.ts";
import type { HarvestedChange } from "./harvested-change.ts";

/**
 * What no command has set: what an overlay keeps for itself, and labels that come by themselves,
 * with the hashes of IMA and EVM.
 */
const ofSystem = /^((trusted|user)\.overlay\.|security\.(?!capability$))/;

/** Of access lists, which a directory with a default one gives to what is made in it. */
const ofAccess = /^system\.posix_acl_/;

interface Suspect {
  readonly path: TreePath;
  readonly own: ExtendedAttributes;
  /** Where the node lies on the disk that the commit keeps, moves or takes attributes from. */
  readonly origin: TreePath | undefined;
  /** Whether it has less than that one, and lost it by the command. */
  readonly mustBeEqual: boolean;
  /** Whether its directory gives access lists to what is made there, as the commit does too. */
  readonly inheritsAccess: boolean;
}

/**
 * Finds what commands have given other extended attributes than a commit will give it: they are not
 * harvested, so the result has to say so. Asks by native calls that are loaded, once for each node
 * that has changed, one call where it has none.
 */
export class OtherAttributes {
  readonly #source: HarvestSource;
  readonly #suspects: Suspect[] = [];

  constructor(source: HarvestSource) {
    this.#source = source;
  }

  /** A file has come, or was changed. */
  lookAtFile(entry: Entry): void {
    const { path, lower } = entry;
    this.#look(path, lower?.isFile() === true ? path : undefined, isAsBefore(entry));
  }

  /**
   * A directory has come, or was changed.
   *
   * @param shown the one of the disk that shows through.
   */
  lookAtDirectory({ path, lower }: Entry, shown: TreePath | undefined): void {
    // The commit keeps the directory that lies there, also where it was made again.
    const kept = lower?.isDirectory() === true ? path : undefined;
    const origin = shown ?? kept;
    this.#look(path, origin, origin !== undefined);
  }

  #look(path: TreePath, origin: TreePath | undefined, mustBeEqual: boolean): void {
    // Where the engine tells of nodes itself (FUSE), commands cannot set any.
    const { nodeAt, upper } = this.#source;
    if (path === "" || nodeAt !== undefined) return;
    const own = attributesAt(`${upper.placeOf(parentOf(path))}/${nameOf(path)}`);
    if (own === undefined || (own.size === 0 && !mustBeEqual)) return;
    // Here, where it is met should a running command swap directories meanwhile.
    const hasAccess = [...own.keys()].some((name) => ofAccess.test(name));
    const inheritsAccess = hasAccess && this.#inherits(path);
    this.#suspects.push({ path, own, origin, mustBeEqual, inheritsAccess });
  }

  /** Notes it in what was harvested, when all that has moved is known. */
  noteIn(changes: HarvestedChange[]): void {
    if (this.#suspects.length === 0) return;
    const origins = new Map([...this.#source.mirror.recognised].map(([from, to]) => [to, from]));
    const found = this.#suspects.filter((suspect) => this.#differs(suspect, origins));
    const paths = new Set(found.map(({ path }) => path));
    for (const [index, change] of changes.entries()) {
      if (paths.delete(change.path)) changes[index] = { ...change, hasAttributes: true };
    }
    for (const path of paths) changes.push({ path, kind: "metadata", hasAttributes: true });
  }

  #differs(suspect: Suspect, origins: ReadonlyMap<TreePath, TreePath>): boolean {
    const { path, own, mustBeEqual, inheritsAccess } = suspect;
    const origin = origins.get(path) ?? suspect.origin;
    const { layer } = this.#source;
    const old = origin === undefined ? undefined : attributesAt(absoluteOf(layer.root, origin));
    if (mustBeEqual && old !== undefined && old.size > own.size) return true;
    return [...own].some(([name, value]) => {
      if (inheritsAccess && ofAccess.test(name)) return false;
      const given = old?.get(name);
      return given === undefined || Buffer.compare(given, value) !== 0;
    });
  }

  #inherits(path: TreePath): boolean {
    const { upper } = this.#source;
    return attributesAt(upper.placeOf(parentOf(path)))?.has(defaultList) === true;
  }
}

function isAsBefore({ stats, lower }: Entry): boolean {
  if (lower?.isFile() !== true || stats.nlink !== 1n) return false;
  return (
    stats.mtimeNs === lower.mtimeNs &&
    stats.size === lower.size &&
    stats.mode === lower.mode &&
    stats.uid === lower.uid &&
    stats.gid === lower.gid
  );
}

/** @returns `undefined` where no native calls are loaded. */
function attributesAt(path: string): ExtendedAttributes | undefined {
  const native = nativeCalls(0);
  if (native === undefined) return undefined;
  const found = native.readAttributes(path);
  if (found === undefined) return none;
  return new Map([...found].filter(([name]) => !ofSystem.test(name)));
}

const none: ExtendedAttributes = new Map();
