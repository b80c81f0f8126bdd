import type { Lower } from "../../disk/lower/lower.ts";
import { encodePath } from "../../disk/names.ts";
import { patchContentBytesMax } from "../../limits.ts";
import { objectIdOf } from "../../objects/object-id.ts";
import type { ChangeSet } from "../change-set/change-set.ts";
import type { ContentIndex } from "../change-set/content-index.ts";
import { binaryPatchOf } from "./binary-patch.ts";
import { isInRepository } from "./git-names.ts";
import { isBinary, type PatchEdit, type PatchSide, patchEditsOf, readSide } from "./patch-edits.ts";
import { textHunksOf } from "./text-hunks.ts";

const absentOid = "0".repeat(40);

/**
 * A change set as a patch that `git apply` accepts, also where it touches binary content, links,
 * executable bits and odd names. Bytes, not a string: texts keep whatever encoding they have.
 *
 * Git refuses paths below `.git` and with them the whole patch: what it says of them is behind
 * `# `, to be read by people and skipped by `git apply`, and binary content is only named.
 *
 * Git patches know no directories, times, owners or other permission bits. Content beyond
 * `patchContentBytesMax`, and what this user may not read, is only named, as git itself does
 * without `--binary`; `git apply` refuses such a patch.
 *
 * @param lower the file system that holds the old tree.
 * @param options.contents learns what is read of the old tree.
 * @param options.onProgress told of every file before its turn.
 */
export function patchOf(
  changeSet: ChangeSet,
  lower: Lower,
  { contents, onProgress }: PatchOptions = {},
): Buffer {
  return patchOfEdits(patchEditsOf(changeSet, lower, contents), onProgress);
}

/** What a patch can be told. */
export interface PatchOptions {
  readonly contents?: ContentIndex;
  readonly onProgress?: OnCount;
}

/** How far something is that has no phases. */
export type OnCount = (count: { readonly done: number; readonly total: number }) => void;

/** The edits of single files and links as a patch, in the order in which they are given. */
export function patchOfEdits(edits: readonly PatchEdit[], onProgress?: OnCount): Buffer {
  const apart = edits.flatMap(apartFromRepositories);
  const total = apart.length;
  const parts = apart.map((edit, done) => {
    onProgress?.({ done, total });
    return patchOfEdit(edit);
  });
  return Buffer.concat(parts);
}

/** What is moved into a repository or out of one: one side is to be applied, the other is not. */
function apartFromRepositories(edit: PatchEdit): PatchEdit[] {
  const { old: before, new: after } = edit;
  if (before === undefined || after === undefined) return [edit];
  if (isInRepository(before.path) === isInRepository(after.path)) return [edit];
  return [
    { old: before, new: undefined },
    { old: undefined, new: after },
  ];
}

function patchOfEdit(edit: PatchEdit): Buffer {
  const isSkipped = isInRepository(edit.new?.path ?? edit.old?.path ?? "");
  const patch = sectionOf(edit, isSkipped);
  if (!isSkipped || patch.length === 0) return patch;
  const lines = patch.toString("latin1").replace(/\n$/, "").split("\n");
  return Buffer.from(lines.map((line) => `# ${line}\n`).join(""), "latin1");
}

/** @param isSkipped by `git apply`: binary content is only named. */
function sectionOf(edit: PatchEdit, isSkipped: boolean): Buffer {
  const [before, after] = [edit.old, edit.new];
  const oldName = before?.path ?? after?.path ?? "";
  const newName = after?.path ?? oldName;
  const lines = [`diff --git ${quoted(`a/${oldName}`)} ${quoted(`b/${newName}`)}`];
  if (before === undefined && after !== undefined) lines.push(`new file mode ${after.mode}`);
  if (before !== undefined && after === undefined) lines.push(`deleted file mode ${before.mode}`);
  if (before !== undefined && after !== undefined && before.mode !== after.mode) {
    lines.push(`old mode ${before.mode}`, `new mode ${after.mode}`);
  }
  const body = edit.isSameContent === true ? sameBody : bodyOf(before, after, isSkipped);
  if (before !== undefined && after !== undefined && oldName !== newName) {
    lines.push(`similarity index ${body.similarity}%`);
    lines.push(`rename from ${quoted(oldName)}`, `rename to ${quoted(newName)}`);
  }
  const isSame = body.bytes.length === 0 && !body.isIndexed;
  if (isSame) return lines.length === 1 ? Buffer.alloc(0) : joined(lines, Buffer.alloc(0));
  const mode = before !== undefined && before.mode === after?.mode ? ` ${before.mode}` : "";
  lines.push(`index ${body.oldOid}..${body.newOid}${mode}`);
  if (body.isText && body.bytes.length > 0) {
    lines.push(`--- ${before === undefined ? "/dev/null" : ended(quoted(`a/${oldName}`))}`);
    lines.push(`+++ ${after === undefined ? "/dev/null" : ended(quoted(`b/${newName}`))}`);
  }
  return joined(lines, body.bytes);
}

interface Body {
  readonly bytes: Buffer;
  readonly isText: boolean;
  /** Whether an `index` line is due even without a body: empty files are made and removed. */
  readonly isIndexed: boolean;
  readonly oldOid: string;
  readonly newOid: string;
  readonly similarity: number;
}

/** Neither side is named by its content. */
const sameBody: Body = {
  bytes: Buffer.alloc(0),
  isText: true,
  isIndexed: false,
  oldOid: absentOid,
  newOid: absentOid,
  similarity: 100,
};

function bodyOf(
  before: PatchSide | undefined,
  after: PatchSide | undefined,
  isSkipped: boolean,
): Body {
  const size = Math.max(before?.size ?? 0, after?.size ?? 0);
  if (size > patchContentBytesMax) return differOnly(before, after);
  const [old, bytes] = [readSide(before), readSide(after)];
  if (old === undefined || bytes === undefined) return differOnly(before, after);
  const oldOid = before === undefined ? absentOid : objectIdOf("blob", old);
  const newOid = after === undefined ? absentOid : objectIdOf("blob", bytes);
  const isIndexed = before === undefined || after === undefined;
  const common = { isIndexed, oldOid, newOid };
  if (old.equals(bytes)) {
    return { bytes: Buffer.alloc(0), isText: true, similarity: 100, ...common };
  }
  if (isBinary(old) || isBinary(bytes)) {
    if (isSkipped) return { ...differOnly(before, after), oldOid, newOid };
    const patch = Buffer.from(binaryPatchOf(old, bytes), "latin1");
    return { bytes: patch, isText: false, similarity: 50, ...common };
  }
  const hunks = textHunksOf(old, bytes);
  const kept = old.length === 0 ? 0 : 1 - hunks.deletedBytes / old.length;
  const similarity = Math.min(99, Math.max(1, Math.floor(kept * 100)));
  return { bytes: hunks.text, isText: true, similarity, ...common };
}

function differOnly(before: PatchSide | undefined, after: PatchSide | undefined): Body {
  const name = (side: PatchSide | undefined, prefix: string): string =>
    side === undefined ? "/dev/null" : quoted(`${prefix}/${side.path}`);
  const line = `Binary files ${name(before, "a")} and ${name(after, "b")} differ\n`;
  return {
    bytes: bytesOf(line),
    isText: false,
    isIndexed: true,
    oldOid: absentOid,
    newOid: absentOid,
    similarity: 50,
  };
}

function joined(lines: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([bytesOf(`${lines.join("\n")}\n`), body]);
}

function bytesOf(text: string): Buffer {
  return Buffer.from(encodePath(text));
}

/** A name with a blank ends in a tab, so that what follows is not taken for a part of it. */
function ended(name: string): string {
  return name.includes(" ") && !name.startsWith('"') ? `${name}\t` : name;
}

const escapes: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\u000b": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** Printable ASCII without what git escapes: almost every name. */
const plainName = /^[ !#-[\]-~]*$/;

/**
 * A name as git quotes it: between quotes, with escapes, where it holds what would break a line.
 */
function quoted(name: string): string {
  // Git takes the space for the one between both names, and finds none in the header then.
  const isParted = name.includes(" /");
  if (plainName.test(name) && !isParted) return name;
  let text = "";
  for (const byte of bytesOf(name)) {
    const character = String.fromCharCode(byte);
    const isPlain = byte >= 0x20 && byte < 0x7f && character !== '"' && character !== "\\";
    text += isPlain ? character : (escapes[character] ?? `\\${byte.toString(8).padStart(3, "0")}`);
  }
  return text === name && !isParted ? name : `"${text}"`;
}
