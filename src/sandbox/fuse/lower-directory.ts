import { constants } from "node:fs";
import type { NodeKind } from "../../disk/stamp.ts";
import { absoluteOf, childOf, type TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { LowerDirectory } from "./backend.ts";

const { S_IFREG, S_IFDIR, S_IFLNK } = constants;

const typeBits = { file: S_IFREG, directory: S_IFDIR, symlink: S_IFLNK } as const;

/** The directory of the disk that shows through in a layer, if one does. */
export function lowerDirectoryOf(layer: Layer, path: TreePath): LowerDirectory | undefined {
  const place = layer.lowerDirectoryOf(absoluteOf(layer.root, path));
  const stamp = place === undefined ? undefined : layer.lower.stamp(place);
  if (place === undefined || stamp === undefined) return undefined;
  const { ino, mtimeNs, ctimeNs } = stamp;
  return {
    place,
    ino,
    // The times of a directory on the disk move with every name that comes or goes.
    sign: { text: `${ino} ${mtimeNs} ${ctimeNs}`, changedNs: ctimeNs },
    stampOf: (name) => {
      if (layer.pendingAt(childOf(path, name)) !== undefined) return "own";
      const found = layer.lower.stamp(absoluteOf(place, name));
      if (found === undefined) return undefined;
      return { ino: found.ino, type: typeOf(found.kind), changedNs: found.ctimeNs };
    },
  };
}

/** Of fifos, sockets and devices nothing is kept but attributes: any of them is as good. */
function typeOf(kind: NodeKind): number {
  return kind === "other" ? 0 : typeBits[kind];
}
