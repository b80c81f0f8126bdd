import { createHash } from "node:crypto";
import type { NodeKind, Stamp } from "../disk/stamp.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { LowerNode, NodeMeta } from "../overlay/pending/pending.ts";
import { type DraftCommand, draftCommandsOf } from "./draft-command.ts";

/**
 * The index of a draft: everything but the bytes of files. `docs/format.md` specifies it.
 *
 *     index  := "draftfs-draft " version "\n" header "\n" (entry "\n")* "end " sha256 "\n"
 *     header := JSON object, keys sorted
 *     entry  := JSON object, keys sorted; entries in tree order, parents first
 *     sha256 := 64 hexadecimal digits, over every byte before "end "
 *
 * Integers that can pass 2^53 (inode and device numbers, nanoseconds) are decimal strings.
 */
export interface DraftIndex {
  readonly header: DraftHeader;
  readonly entries: readonly DraftEntry[];
}

/** Version of this format. A later one is refused. Files with holes need the second one. */
export const draftFormatVersion = 2;

export interface DraftHeader {
  /** Grows by one with every save; names the files that the save wrote. */
  readonly generation: number;
  /** Random, new with every save: tells one saved state of a draft from all others. */
  readonly token: string;
  /** When it was saved, in milliseconds since the epoch. */
  readonly savedMs: number;
  /** Number of entries that follow. */
  readonly entries: number;
  /** Device and inode of the root at that time: devices are renumbered by a reboot. */
  readonly rootDev: bigint;
  readonly rootIno: bigint;
  /** The commands that made what is pending, oldest first. */
  readonly commands: readonly DraftCommand[];
}

export type DraftEntry = DraftWhiteout | DraftFile | DraftDirectory | DraftSymlink | DraftOther;

export interface DraftWhiteout {
  readonly kind: "whiteout";
  readonly path: TreePath;
  readonly base: LowerNode | undefined;
}

interface DraftNode {
  readonly path: TreePath;
  readonly base: LowerNode | undefined;
  readonly origin: LowerNode | undefined;
  readonly meta: NodeMeta;
  readonly timesSet: boolean;
}

export interface DraftFile extends DraftNode {
  readonly kind: "file";
  /** Entries with the same number are hard links of one node. */
  readonly link: number | undefined;
  readonly content: StoredContent;
}

export interface DraftDirectory extends DraftNode {
  readonly kind: "directory";
  readonly opaque: boolean;
  readonly redirect: TreePath | undefined;
}

export interface DraftSymlink extends DraftNode {
  readonly kind: "symlink";
  readonly target: string;
}

export interface DraftOther extends DraftNode {
  readonly kind: "other";
}

/** Where the bytes of a file are: still in the lower, or in a file of the draft. */
export type StoredContent =
  | { readonly kind: "lower"; readonly node: LowerNode }
  | {
      readonly kind: "stored";
      /** Name of the file in the draft's directory. */
      readonly file: string;
      readonly offset: number;
      readonly size: number;
      /**
       * SHA-256 of each 1 MiB of the content, in order; none for an empty content. A number stands
       * for so many that are all zeros, and are holes in the file.
       */
      readonly sums: readonly (string | number)[];
    };

/** The bytes of an index file. */
export function encodeDraftIndex(index: DraftIndex): Buffer {
  const version = index.entries.some(hasHoles) ? draftFormatVersion : 1;
  const lines = [`draftfs-draft ${version}`, canonical(headerToJson(index.header))];
  for (const entry of index.entries) lines.push(canonical(entryToJson(entry)));
  const body = Buffer.from(`${lines.join("\n")}\n`);
  return Buffer.concat([body, Buffer.from(`end ${sumOf(body)}\n`)]);
}

function hasHoles(entry: DraftEntry): boolean {
  if (entry.kind !== "file" || entry.content.kind !== "stored") return false;
  return entry.content.sums.some((sum) => typeof sum === "number");
}

/** What can be wrong with an index file; the caller knows whose it is. */
export type DraftIndexFault =
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "damaged"; readonly reason: string };

/** Reads an index file, or tells what is wrong with it. */
export function decodeDraftIndex(bytes: Buffer): DraftIndex | DraftIndexFault {
  const version = /^draftfs-draft (\d{1,9})\n/.exec(bytes.toString("latin1", 0, 32))?.[1];
  if (version === undefined) return { kind: "damaged", reason: "it is not a draft index" };
  if (Number(version) > draftFormatVersion) return { kind: "newer", version: Number(version) };
  const trailerBytes = 4 + 64 + 1;
  const body = bytes.subarray(0, -trailerBytes);
  const trailer = bytes.toString("latin1", body.length);
  if (trailer !== `end ${sumOf(body)}\n`) {
    return { kind: "damaged", reason: "its checksum does not match" };
  }
  try {
    const lines = body.toString("utf8").split("\n").slice(1, -1);
    const header = headerOf(JSON.parse(lines[0] ?? "") as Json);
    const entries = lines.slice(1).map((line) => entryOf(JSON.parse(line) as Json));
    if (entries.length !== header.entries) {
      return { kind: "damaged", reason: `it has ${entries.length} of ${header.entries} entries` };
    }
    return { header, entries };
  } catch (error) {
    return { kind: "damaged", reason: (error as Error).message };
  }
}

/** SHA-256 as hexadecimal digits. */
export function sumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

type Json = Readonly<Record<string, unknown>>;

/** Keys sorted at every level, `undefined` left out. Lone surrogates are escaped by `JSON`. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function headerToJson(header: DraftHeader): Json {
  const { commands, ...rest } = header;
  return {
    ...rest,
    rootDev: String(header.rootDev),
    rootIno: String(header.rootIno),
    ...(commands.length === 0 ? {} : { commands }),
  };
}

function headerOf(json: Json): DraftHeader {
  return {
    generation: numberIn(json, "generation"),
    token: textIn(json, "token"),
    savedMs: numberIn(json, "savedMs"),
    entries: numberIn(json, "entries"),
    rootDev: bigIn(json, "rootDev"),
    rootIno: bigIn(json, "rootIno"),
    commands: draftCommandsOf(json["commands"]),
  };
}

function entryToJson(entry: DraftEntry): Json {
  if (entry.kind === "whiteout") return { ...entry, base: nodeToJson(entry.base) };
  const node = {
    ...entry,
    base: nodeToJson(entry.base),
    origin: nodeToJson(entry.origin),
    meta: {
      ...entry.meta,
      atimeNs: String(entry.meta.atimeNs),
      mtimeNs: String(entry.meta.mtimeNs),
    },
  };
  if (entry.kind !== "file" || entry.content.kind !== "lower") return node;
  return { ...node, content: { kind: "lower", node: nodeToJson(entry.content.node) } };
}

function entryOf(json: Json): DraftEntry {
  const kind = textIn(json, "kind");
  const path = textIn(json, "path");
  const base = optionalNodeOf(json["base"]);
  if (kind === "whiteout") return { kind, path, base };
  const node = {
    path,
    base,
    origin: optionalNodeOf(json["origin"]),
    meta: metaOf(objectIn(json, "meta")),
    timesSet: json["timesSet"] === true,
  };
  switch (kind) {
    case "file": {
      const link = json["link"] === undefined ? undefined : numberIn(json, "link");
      return { kind, ...node, link, content: contentOf(objectIn(json, "content")) };
    }
    case "directory": {
      const redirect = json["redirect"] === undefined ? undefined : textIn(json, "redirect");
      return { kind, ...node, opaque: json["opaque"] === true, redirect };
    }
    case "symlink":
      return { kind, ...node, target: textIn(json, "target") };
    case "other":
      return { kind, ...node };
    default:
      throw new TypeError(`an entry of kind ${JSON.stringify(kind)}`);
  }
}

function contentOf(json: Json): StoredContent {
  if (textIn(json, "kind") === "lower") {
    return { kind: "lower", node: nodeOf(objectIn(json, "node")) };
  }
  const sums = json["sums"];
  if (!Array.isArray(sums) || !sums.every(isSum)) {
    throw new TypeError("a content without checksums");
  }
  const file = textIn(json, "file");
  if (!/^(data|file)-[0-9-]+$/.test(file)) throw new TypeError(`a content in ${file}`);
  return {
    kind: "stored",
    file,
    offset: numberIn(json, "offset"),
    size: numberIn(json, "size"),
    sums,
  };
}

function isSum(sum: unknown): sum is string | number {
  return typeof sum === "string" || (Number.isSafeInteger(sum) && (sum as number) > 0);
}

function nodeToJson(node: LowerNode | undefined): Json | undefined {
  if (node === undefined) return undefined;
  const { dev, ino, mtimeNs, ctimeNs, ...rest } = node.stamp;
  const exact = { dev, ino, mtimeNs, ctimeNs };
  const texts = Object.fromEntries(Object.entries(exact).map(([key, big]) => [key, String(big)]));
  const seen = node.seenNs === undefined ? {} : { seenNs: String(node.seenNs) };
  return {
    path: node.path,
    stamp: { ...rest, ...texts },
    ...seen,
    oid: node.oid,
    indexId: node.indexId,
  };
}

function optionalNodeOf(value: unknown): LowerNode | undefined {
  return value === undefined ? undefined : nodeOf(asObject(value, "a node"));
}

function nodeOf(json: Json): LowerNode {
  const stamp = objectIn(json, "stamp");
  const seen = json["seenNs"] === undefined ? {} : { seenNs: bigIn(json, "seenNs") };
  const known = json["oid"] === undefined ? {} : { oid: oidIn(json) };
  const said = json["indexId"] === undefined ? {} : { indexId: textIn(json, "indexId") };
  return { path: textIn(json, "path"), stamp: stampFrom(stamp), ...seen, ...known, ...said };
}

function stampFrom(json: Json): Stamp {
  return {
    kind: textIn(json, "kind") as NodeKind,
    dev: bigIn(json, "dev"),
    ino: bigIn(json, "ino"),
    mode: numberIn(json, "mode"),
    nlink: numberIn(json, "nlink"),
    uid: numberIn(json, "uid"),
    gid: numberIn(json, "gid"),
    size: numberIn(json, "size"),
    mtimeNs: bigIn(json, "mtimeNs"),
    ctimeNs: bigIn(json, "ctimeNs"),
  };
}

function metaOf(json: Json): NodeMeta {
  return {
    mode: numberIn(json, "mode"),
    uid: numberIn(json, "uid"),
    gid: numberIn(json, "gid"),
    atimeNs: bigIn(json, "atimeNs"),
    mtimeNs: bigIn(json, "mtimeNs"),
  };
}

function asObject(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new TypeError(`${what} that is not an object`);
}

function objectIn(json: Json, key: string): Json {
  return asObject(json[key], key);
}

function textIn(json: Json, key: string): string {
  const value = json[key];
  if (typeof value === "string") return value;
  throw new TypeError(`${key} is not a string`);
}

function oidIn(json: Json): string {
  const oid = textIn(json, "oid");
  if (/^[0-9a-f]{40}$/.test(oid)) return oid;
  throw new TypeError("an oid that is none");
}

function numberIn(json: Json, key: string): number {
  const value = json[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${key} is not a whole number`);
}

function bigIn(json: Json, key: string): bigint {
  return BigInt(textIn(json, key));
}
