import { DraftError } from "../errors.ts";
import type { ObjectId } from "./object-id.ts";

/** Who made a commit, and when. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Milliseconds since the epoch; git keeps the second. */
  readonly timeMs: number;
  /** Minutes east of UTC; 0 by default. */
  readonly offsetMinutes?: number;
}

/** A git commit object as a value. */
export interface CommitObject {
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

/** The bytes of a commit object. What git refuses in names and messages is left out. */
export function encodeCommit(commit: CommitObject): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${signatureLine(commit.author)}`,
    `committer ${signatureLine(commit.committer)}`,
  ];
  const message = commit.message.replaceAll("\0", "").trimEnd();
  return Buffer.from(`${lines.join("\n")}\n\n${message}\n`);
}

/**
 * The commit that `bytes` encode.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when they are no commit.
 */
export function parseCommit(bytes: Buffer): CommitObject {
  const text = bytes.toString("utf8");
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, Math.max(0, end)).split("\n");
  const valuesOf = (name: string): string[] =>
    headers
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1));
  const [tree] = valuesOf("tree");
  const author = parseSignature(valuesOf("author")[0]);
  const committer = parseSignature(valuesOf("committer")[0]);
  if (end < 0 || tree === undefined || author === undefined || committer === undefined) {
    throw new DraftError(
      "DRAFT_STORE_CORRUPT",
      "Cannot read a commit of the checkpoint store: it is damaged. Run draftfs verify.",
    );
  }
  const message = text.slice(end + 2).trimEnd();
  return { tree, parents: valuesOf("parent"), author, committer, message };
}

function signatureLine(signature: Signature): string {
  const offset = signature.offsetMinutes ?? 0;
  const minutes = Math.abs(offset);
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${twoDigits(Math.floor(minutes / 60))}${twoDigits(minutes % 60)}`;
  const seconds = Math.max(0, Math.floor(signature.timeMs / 1000));
  const name = cleanIdentity(signature.name) || "unknown";
  return `${name} <${cleanIdentity(signature.email)}> ${seconds} ${zone}`;
}

/** Without what would end the field: brackets, controls, white space around it. */
function cleanIdentity(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in it
  return text.replace(/[<>\u0000-\u001f]+/g, " ").trim();
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

function parseSignature(line: string | undefined): Signature | undefined {
  const match = /^(.*) <(.*)> (\d+) ([+-])(\d\d)(\d\d)$/.exec(line ?? "");
  if (match === null) return undefined;
  const [, name = "", email = "", seconds, sign, hours, minutes] = match;
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  return { name, email, timeMs: Number(seconds) * 1000, offsetMinutes };
}
