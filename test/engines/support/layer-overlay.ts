import type { EngineOverlay } from "../../../src/engines/overlay-port.ts";
import { type Layer, openLayer } from "../../../src/overlay/layer.ts";
import { plainOverlay, temporaryDirectory } from "./plain-overlay.ts";

/** A real layer over a new directory. */
export function layerOverlay(root = temporaryDirectory()): Layer {
  return openLayer({ root });
}

/** The overlays that every engine has to work on. */
export const overlayKinds: readonly (readonly [string, (root?: string) => EngineOverlay])[] = [
  ["the real file system", (root) => plainOverlay(root)],
  ["a layer", (root) => layerOverlay(root)],
];

/** The tree of an overlay as plain data, seen through its own `fs`; see `treeOf`. */
export function viewOf(overlay: EngineOverlay): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (directory: string, prefix: string) => {
    const entries = overlay.fs.readdirSync(directory, { withFileTypes: true });
    for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const absolute = `${directory}/${name}`;
      const stats = overlay.fs.lstatSync(absolute);
      if (stats.isDirectory()) {
        tree[prefix + name] = "/";
        visit(absolute, `${prefix}${name}/`);
      } else if (stats.isSymbolicLink()) tree[prefix + name] = "->";
      else {
        const mode = (stats.mode & 0o777).toString(8);
        tree[prefix + name] = `${mode} ${overlay.fs.readFileSync(absolute).toString("hex")}`;
      }
    }
  };
  visit(overlay.root, "");
  return tree;
}
