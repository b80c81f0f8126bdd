import { z } from "zod";
import type { Stamp } from "../../disk/stamp.ts";
import { DraftError } from "../../errors.ts";
import { objectIdOf } from "../../objects/object-id.ts";
import { bufferContent } from "../../overlay/content/content.ts";
import type { After, Before, Change, ChangeSet, NodeState } from "./change-set.ts";
import { changeSetFormat } from "./change-set-to-json.ts";
import { checkPaths } from "./check-paths.ts";

const decimal = z.string().regex(/^-?\d{1,20}$/);
const oid = z.string().regex(/^[0-9a-f]{40}$/);
const count = z.int().nonnegative();
const mode = z.int().min(0).max(0o7777);
const owned = { uid: count, gid: count, mtimeNs: decimal };

const stateSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("file"), mode, ...owned, size: count, oid: oid.nullable() }),
  z.strictObject({ kind: z.literal("directory"), mode, ...owned }),
  z.strictObject({ kind: z.literal("symlink"), ...owned, target: z.string() }),
]);

const stampSchema = z.strictObject({
  kind: z.enum(["file", "directory", "symlink", "other"]),
  dev: decimal,
  ino: decimal,
  mode,
  nlink: count,
  uid: count,
  gid: count,
  size: count,
  mtimeNs: decimal,
  ctimeNs: decimal,
});

const beforeSchema = z.strictObject({
  state: stateSchema,
  stamp: stampSchema.optional(),
  /** How many names the file has, where there is no stamp and more than one. */
  names: z.int().min(2).optional(),
});

const afterSchema = z.strictObject({
  state: stateSchema,
  /**
   * New bytes: by their blob id, and themselves where the change set is to be applied elsewhere.
   */
  content: z.strictObject({ oid, base64: z.base64().optional() }).optional(),
  timesSet: z.boolean(),
  linkGroup: count.optional(),
  sameNode: z.literal(true).optional(),
  /** The unchanged file that this is one more name of; then there is no content. */
  source: z.strictObject({ path: z.string(), before: beforeSchema }).optional(),
});

const aspects = z.array(z.enum(["content", "mode", "owner", "times", "target", "type"]));
const path = z.string();

const changeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("create"), path, after: afterSchema }),
  z.strictObject({
    kind: z.literal("modify"),
    path,
    before: beforeSchema,
    after: afterSchema,
    aspects,
  }),
  z.strictObject({
    kind: z.literal("delete"),
    path,
    place: path.optional(),
    before: beforeSchema,
  }),
  z.strictObject({
    kind: z.literal("rename"),
    path,
    from: path,
    before: beforeSchema,
    after: afterSchema,
    aspects,
    replaced: beforeSchema.optional(),
  }),
]);

/** The JSON form of a change set; `docs/change-set.schema.json` is made from it. */
export const changeSetSchema = z.strictObject({
  format: z.literal(changeSetFormat),
  root: z.string(),
  changes: z.array(changeSchema),
  unsupported: z.array(path).optional(),
});

export type ChangeSetJson = z.infer<typeof changeSetSchema>;
export type StateJson = z.infer<typeof stateSchema>;
export type BeforeJson = z.infer<typeof beforeSchema>;
export type AfterJson = z.infer<typeof afterSchema>;
export type ChangeJson = z.infer<typeof changeSchema>;
export type StampJson = z.infer<typeof stampSchema>;

/**
 * The change set that JSON describes.
 *
 * @throws {DraftError} `DRAFT_PLAN_INVALID` when it is none, when a path leaves the root, or when
 *   bytes are not those that their id promises.
 */
export function changeSetFromJson(json: unknown): ChangeSet {
  if (!isChangeSet(json)) throw invalid("it is none of draftfs");
  const parsed = changeSetSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const { root, changes, unsupported } = parsed.data;
  const changeSet: ChangeSet = {
    root,
    changes: changes.map(changeFromJson),
    ...(unsupported === undefined ? {} : { unsupported }),
  };
  checkPaths(changeSet);
  return changeSet;
}

function changeFromJson(json: ChangeJson): Change {
  switch (json.kind) {
    case "create":
      return { ...json, after: afterFromJson(json.after) };
    case "delete": {
      const { kind, path: at, place } = json;
      const before = beforeFromJson(json.before);
      return { kind, path: at, ...(place === undefined ? {} : { place }), before };
    }
    case "modify":
      return { ...json, before: beforeFromJson(json.before), after: afterFromJson(json.after) };
    case "rename":
      return {
        ...json,
        before: beforeFromJson(json.before),
        after: afterFromJson(json.after),
        replaced: json.replaced === undefined ? undefined : beforeFromJson(json.replaced),
      };
  }
}

function beforeFromJson({ state, stamp, names }: BeforeJson): Before {
  return {
    state: stateFromJson(state),
    stamp: stamp === undefined ? undefined : stampFrom(stamp),
    ...(names === undefined ? {} : { names }),
  };
}

function afterFromJson(json: AfterJson): After {
  const { state, content, timesSet, linkGroup, sameNode, source } = json;
  let bytes: Buffer | undefined;
  if (content?.base64 !== undefined) {
    bytes = Buffer.from(content.base64, "base64");
    if (objectIdOf("blob", bytes) !== content.oid) {
      throw invalid(`the bytes of ${content.oid} are others than its id says`);
    }
  }
  return {
    state: stateFromJson(state),
    content: bytes === undefined ? undefined : bufferContent(bytes),
    timesSet,
    linkGroup,
    ...(sameNode === true ? { sameNode } : {}),
    ...(source === undefined
      ? {}
      : { source: { path: source.path, before: beforeFromJson(source.before) } }),
  };
}

/** Whether it means to be one: only then is it worth telling what is wrong with it. */
function isChangeSet(json: unknown): boolean {
  const format = (json as { readonly format?: unknown } | null)?.format;
  return typeof format === "string" && format.startsWith("draftfs change set ");
}

function stateFromJson(state: StateJson): NodeState {
  const mtimeNs = BigInt(state.mtimeNs);
  return state.kind === "file"
    ? { ...state, mtimeNs, oid: state.oid ?? undefined }
    : { ...state, mtimeNs };
}

function stampFrom(stamp: StampJson): Stamp {
  const { dev, ino, mtimeNs, ctimeNs } = stamp;
  return {
    ...stamp,
    dev: BigInt(dev),
    ino: BigInt(ino),
    mtimeNs: BigInt(mtimeNs),
    ctimeNs: BigInt(ctimeNs),
  };
}

function invalid(reason: string): DraftError {
  return new DraftError(
    "DRAFT_PLAN_INVALID",
    `Cannot read the change set: ${reason}. Nothing was touched. Make the plan anew.`,
  );
}
