import { type ExtendedAttributes, nativeCalls } from "../disk/native-calls.ts";
import { absoluteOf, nameOf, parentOf } from "../disk/tree-path.ts";
import type { Entry, HarvestSource } from "./harvest-source.ts";
import type { HarvestedChange } from "./harvested-change.ts";

/** What an overlay keeps for itself. */
const ofOverlays = /^(trusted|user)\.overlay\./;

/**
 * Whether a command has given a file of the disk other extended attributes. Only one that has
 * changed in nothing that stats tell is looked at, and only by native calls that are loaded: a look
 * at each changed file would cost every command.
 */
export function otherAttributes(
  { layer, upper }: Pick<HarvestSource, "layer" | "upper">,
  entry: Entry,
): Pick<HarvestedChange, "hasAttributes"> {
  const native = isAsBefore(entry) ? nativeCalls(0) : undefined;
  if (native === undefined) return {};
  const { path } = entry;
  const place = `${upper.placeOf(parentOf(path))}/${nameOf(path)}`;
  const [own, old] = [place, absoluteOf(layer.root, path)].map((at) => namesIn(native, at));
  return own === old ? {} : { hasAttributes: true };
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

/** All attributes as one text, to be compared. */
function namesIn(
  { readAttributes }: { readAttributes: (path: string) => ExtendedAttributes | undefined },
  path: string,
): string {
  return [...(readAttributes(path) ?? [])]
    .filter(([name]) => !ofOverlays.test(name))
    .map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`)
    .sort()
    .join("\n");
}
