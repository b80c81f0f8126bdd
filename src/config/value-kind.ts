import { isAbsolute, normalize, sep } from "node:path";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { KIB, MIB } from "../limits.ts";

/** How the value of a key is written and what it becomes. */
export interface ValueKind<Value> {
  /** For messages: what is expected. */
  readonly expected: string;
  /** The value of what YAML read, or `undefined` when it does not fit. */
  parse(raw: unknown): Value | undefined;
}

/** `true` or `false`; the words `yes` and `on` are strings in YAML 1.2 and are refused. */
export const truth: ValueKind<boolean> = {
  expected: "true or false",
  parse: (raw) => (typeof raw === "boolean" ? raw : undefined),
};

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number): ValueKind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (raw) => (Number.isInteger(raw) && isWithin(raw, min, max) ? Number(raw) : undefined),
  };
}

/** A share from 0 to 1. */
export const share: ValueKind<number> = {
  expected: "a number from 0 to 1",
  parse: (raw) => (isWithin(raw, 0, 1) ? Number(raw) : undefined),
};

const bytesPerUnit: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: KIB,
  mb: MIB,
  gb: 1024 * MIB,
};

/** A size, such as `100MB`; units are powers of 1024. Becomes bytes. */
export const size: ValueKind<number> = {
  expected: 'a size such as "100MB"',
  parse(raw) {
    const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?(b?)$/i.exec(String(raw).trim());
    if (match === null || typeof raw === "boolean") return undefined;
    const unit = match[2] === "" ? (match[3] ?? "") : `${match[2]}b`;
    const bytes = Math.round(Number(match[1]) * (bytesPerUnit[unit.toLowerCase()] ?? 1));
    return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
  },
};

const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1000,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time, such as `30s` or `30d`; a bare number is seconds. Becomes milliseconds. */
export const duration: ValueKind<number> = {
  expected: 'a time such as "30s", "10m" or "30d"',
  parse(raw) {
    const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(String(raw).trim());
    if (match === null || typeof raw === "boolean") return undefined;
    const ms = Number(match[1]) * (msPerUnit[match[2] ?? ""] ?? 0);
    return ms > 0 && Number.isFinite(ms) ? ms : undefined;
  },
};

/** One of some words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): ValueKind<Word> {
  return {
    expected: words.join(", ").replace(/, ([^,]*)$/, " or $1"),
    parse: (raw) => words.find((word) => word === raw),
  };
}

/** Directories whose every file means something to us or to git: a new one can do harm. */
const guardedNames: ReadonlySet<string> = new Set([stateDirectoryName, ".git"]);

/** A path of a file inside of the root, relative to it, and in no guarded directory. */
export const filePath: ValueKind<string> = {
  expected: "the path of a file inside of the root, outside of .draftfs and .git",
  parse(raw) {
    if (typeof raw !== "string" || raw.includes("\0") || isAbsolute(raw)) return undefined;
    const path = normalize(raw);
    const names = path.split(sep);
    if (path === "." || path.endsWith(sep) || names[0] === "..") return undefined;
    return names.some((name) => guardedNames.has(name.toLowerCase())) ? undefined : raw;
  },
};

function isWithin(raw: unknown, min: number, max: number): boolean {
  return typeof raw === "number" && raw >= min && raw <= max;
}
