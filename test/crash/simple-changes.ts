import fc from "fast-check";
import type { Change, ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { stateOf } from "../../src/commit/tree/images.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { compareTreePaths } from "../../src/disk/tree-path.ts";
import { directoryAfter, fileAfter } from "../commit/change-builder.ts";

/** Something to do to one of a few paths, if what lies there allows it. */
export interface SimpleEdit {
  readonly kind: "write" | "remove" | "move";
  readonly path: string;
  readonly to: string;
  readonly text: string;
}

const path = fc.constantFrom("a", "b", "c", "d/a", "d/b", "e/a");

export const simpleEdit: fc.Arbitrary<SimpleEdit> = fc.record({
  kind: fc.constantFrom("write", "write", "write", "remove", "move"),
  path,
  to: path,
  text: fc
    .tuple(fc.nat({ max: 99 }), fc.nat({ max: 60 }))
    .map(([n, times]) => `${n} some text of a file\n`.repeat(times)),
});

/** A change set that does the edits, at most one for each path. */
export function simpleChanges(disk: Disk, root: string, edits: readonly SimpleEdit[]): ChangeSet {
  const changes = new Map<string, Change>();
  const used = new Set<string>();
  for (const { kind, path: at, to, text } of edits) {
    if (used.has(at)) continue;
    const before = beforeOf(disk, root, at);
    if (kind === "write") {
      used.add(at);
      addParent(at);
      const after = fileAfter(text, { mode: 0o644 });
      if (before === undefined) changes.set(at, { kind: "create", path: at, after });
      else changes.set(at, { kind: "modify", path: at, before, after, aspects: ["content"] });
    } else if (before !== undefined && kind === "remove") {
      used.add(at);
      changes.set(at, { kind: "delete", path: at, before });
    } else if (before !== undefined && !used.has(to) && to !== at) {
      used.add(at).add(to);
      addParent(to);
      const after = {
        state: before.state,
        content: undefined,
        timesSet: false,
        linkGroup: undefined,
      };
      const replaced = beforeOf(disk, root, to);
      changes.set(to, { kind: "rename", path: to, from: at, before, after, aspects: [], replaced });
    }
  }
  const list = [...changes.values()];
  return { root, changes: list.sort((one, other) => compareTreePaths(one.path, other.path)) };

  function addParent(below: string): void {
    const slash = below.indexOf("/");
    if (slash < 0) return;
    const parent = below.slice(0, slash);
    if (disk.lstat(`${root}/${parent}`) !== undefined || changes.has(parent)) return;
    changes.set(parent, { kind: "create", path: parent, after: directoryAfter({ mode: 0o755 }) });
  }
}

function beforeOf(disk: Disk, root: string, at: string) {
  const stamp = disk.lstat(`${root}/${at}`);
  if (stamp === undefined) return undefined;
  const state = stateOf(stamp, undefined);
  return state && { state, stamp };
}
