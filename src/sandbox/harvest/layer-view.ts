import type { BigIntStats } from "node:fs";
import { decodeName, encodePath } from "../../disk/names.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";

/**
 * What to hand to the calls of a layer for a path of its tree. They take text as Node does, which
 * makes U+FFFD of an undecodable byte in it: names that have one go to them as bytes.
 */
export function placeIn({ root }: Layer, path: TreePath): string | Buffer {
  return encodePath(absoluteOf(root, path));
}

/** The stats of a node as the layer shows it, `undefined` if there is none. */
export function lstatShown(layer: Layer, path: TreePath): BigIntStats | undefined {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  return layer.fs.lstatSync(placeIn(layer, path), options) as BigIntStats | undefined;
}

/** Names in a directory as the layer shows it. */
export function readShownNames(layer: Layer, path: TreePath): string[] {
  const names = layer.fs.readdirSync(placeIn(layer, path), { encoding: "buffer" }) as Buffer[];
  return names.map((name) => decodeName(name));
}

/** What a symbolic link says, as the layer shows it. */
export function readShownTarget(layer: Layer, path: TreePath): string {
  return decodeName(layer.fs.readlinkSync(placeIn(layer, path), { encoding: "buffer" }) as Buffer);
}
