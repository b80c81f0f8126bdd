import type { Stamp } from "../../disk/stamp.ts";
import { objectIdOf } from "../../objects/object-id.ts";
import { readContent } from "../../overlay/content/content.ts";
import type { OnCount } from "../patch/patch.ts";
import {
  type After,
  type Before,
  type Change,
  type ChangeSet,
  type NodeState,
  namesOf,
} from "./change-set.ts";
// Types alone: whoever only writes the JSON need not load the schema.
import type {
  AfterJson,
  BeforeJson,
  ChangeJson,
  ChangeSetJson,
  StampJson,
  StateJson,
} from "./change-set-json.ts";
import { contentIdOf } from "./content-id.ts";

/** What every change set as JSON says of itself. */
export const changeSetFormat = "draftfs change set 1";

/** What goes into the JSON beside the changes themselves. */
export interface ChangeSetJsonOptions {
  /**
   * The new bytes, in base64, so that the JSON can be applied by another process. Off by default.
   */
  readonly content?: boolean;
  /**
   * The identity of the inodes the changes are based on; of use on the same machine. On by default.
   */
  readonly stamps?: boolean;
  /** Told of every change before its turn: their content is read. */
  readonly onProgress?: OnCount;
}

/**
 * A change set as plain JSON, the same for the same change set: changes in tree order, keys in a
 * fixed order, 64-bit numbers in decimal, undecodable bytes of names as `\udcXX`.
 */
export function changeSetToJson(
  changeSet: ChangeSet,
  options: ChangeSetJsonOptions = {},
): ChangeSetJson {
  const { root, changes, unsupported } = changeSet;
  return {
    format: changeSetFormat,
    root,
    changes: changes.map((change, done) => {
      options.onProgress?.({ done, total: changes.length });
      return changeToJson(change, options);
    }),
    ...(unsupported === undefined ? {} : { unsupported: [...unsupported] }),
  };
}

function changeToJson(change: Change, options: ChangeSetJsonOptions): ChangeJson {
  const { path: at } = change;
  const before = (side: Before): BeforeJson => beforeToJson(side, options);
  const after = (side: After): AfterJson => afterToJson(side, options);
  switch (change.kind) {
    case "create":
      return { kind: "create", path: at, after: after(change.after) };
    case "delete": {
      const place = change.place === undefined ? {} : { place: change.place };
      return { kind: "delete", path: at, ...place, before: before(change.before) };
    }
    case "modify": {
      const sides = { before: before(change.before), after: after(change.after) };
      return { kind: "modify", path: at, ...sides, aspects: [...change.aspects] };
    }
    case "rename": {
      const { from, replaced } = change;
      return {
        kind: "rename",
        path: at,
        from,
        before: before(change.before),
        after: after(change.after),
        aspects: [...change.aspects],
        ...(replaced === undefined ? {} : { replaced: before(replaced) }),
      };
    }
  }
}

function beforeToJson(before: Before, options: ChangeSetJsonOptions): BeforeJson {
  const { state, stamp } = before;
  if (stamp !== undefined && options.stamps !== false) {
    return { state: stateToJson(state), stamp: stampToJson(stamp) };
  }
  const names = namesOf(before);
  return { state: stateToJson(state), ...(names > 1 ? { names } : {}) };
}

function afterToJson(after: After, options: ChangeSetJsonOptions): AfterJson {
  const { state, content, timesSet, linkGroup, sameNode, source } = after;
  const bytes =
    content === undefined || options.content !== true ? undefined : readContent(content);
  const id =
    content === undefined ? undefined : bytes ? objectIdOf("blob", bytes) : contentIdOf(content);
  return {
    state: stateToJson(state.kind === "file" && id !== undefined ? { ...state, oid: id } : state),
    ...(id === undefined
      ? {}
      : { content: { oid: id, ...(bytes ? { base64: bytes.toString("base64") } : {}) } }),
    timesSet,
    ...(linkGroup === undefined ? {} : { linkGroup }),
    ...(sameNode === true ? { sameNode } : {}),
    ...(source === undefined
      ? {}
      : { source: { path: source.path, before: beforeToJson(source.before, options) } }),
  };
}

function stateToJson(state: NodeState): StateJson {
  const { uid, gid } = state;
  const mtimeNs = String(state.mtimeNs);
  switch (state.kind) {
    case "file": {
      const { size, oid: id } = state;
      return { kind: "file", mode: state.mode, uid, gid, mtimeNs, size, oid: id || null };
    }
    case "directory":
      return { kind: "directory", mode: state.mode, uid, gid, mtimeNs };
    case "symlink":
      return { kind: "symlink", uid, gid, mtimeNs, target: state.target };
  }
}

function stampToJson(stamp: Stamp): StampJson {
  const { kind, nlink, uid, gid, size } = stamp;
  return {
    kind,
    dev: String(stamp.dev),
    ino: String(stamp.ino),
    mode: stamp.mode,
    nlink,
    uid,
    gid,
    size,
    mtimeNs: String(stamp.mtimeNs),
    ctimeNs: String(stamp.ctimeNs),
  };
}
