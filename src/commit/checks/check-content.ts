import type { TreePath } from "../../disk/tree-path.ts";
import { largeTextBytesMin } from "../../limits.ts";
import type { CheckFinding } from "./check-finding.ts";

/** What is remembered of a content that is to be replaced: enough to see what a new one breaks. */
export interface ContentShape {
  /** Valid UTF-8 without a NUL. */
  readonly isText: boolean;
  readonly isEmpty: boolean;
  readonly hasMark: boolean;
  /** The only kind of line end, if there is just one. */
  readonly lineEnd: "LF" | "CRLF" | undefined;
  /** Named as a structured file and not to be parsed as one. */
  readonly isBroken: boolean;
  /** Bidirectional controls and other characters without a look of their own (CVE-2021-42574). */
  readonly hasDisguise: boolean;
}

/**
 * Looks at new content for what its author will not have meant: an encoding or line ends that
 * change, a structure that breaks, characters that do not show. The bytes are never altered.
 *
 * Only what a change breaks is an error; what was so before, or may be meant, is a warning at most.
 *
 * @param was the shape of what the file held; `undefined` for a new one.
 */
export function checkContent(
  path: TreePath,
  after: Uint8Array,
  was: ContentShape | undefined,
): CheckFinding[] {
  const now = shapeOf(path, after);
  const findings: CheckFinding[] = [];
  const find = (
    check: CheckFinding["check"],
    severity: CheckFinding["severity"],
    message: string,
  ) => findings.push({ path, check, severity, message });

  if (was?.isText && !now.isText && after.length > 0) {
    find("encoding", "error", "it was UTF-8 text and would not be any more");
  }
  if (was?.isText && now.isText && was.hasMark !== now.hasMark && after.length > 0) {
    find("encoding", "warning", `its byte order mark would ${now.hasMark ? "appear" : "vanish"}`);
  }
  if (was !== undefined && was.lineEnd !== now.lineEnd && was.lineEnd && now.lineEnd) {
    find("encoding", "warning", `its line ends would change from ${was.lineEnd} to ${now.lineEnd}`);
  }
  if (now.isBroken) {
    const severity = was !== undefined && !was.isBroken && !was.isEmpty ? "error" : "warning";
    find("structure", severity, "it is no JSON");
  }
  if (now.hasDisguise && !was?.hasDisguise) {
    find("characters", "warning", "it holds characters that reorder or hide text");
  }
  if (now.isText && after.length > largeTextBytesMin) {
    find("size", "warning", `it is a text of ${after.length} bytes`);
  }
  return findings;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const disguise = /[\u202a-\u202e\u2066-\u2069\u200b\u2060]/;

/** The shape of a content at a path; the path tells how it should be structured. */
export function shapeOf(path: TreePath, bytes: Uint8Array): ContentShape {
  const text = textOf(bytes);
  const isEmpty = bytes.length === 0;
  if (text === undefined) {
    const isBroken = path.endsWith(".json");
    const unknown = { hasMark: false, lineEnd: undefined, hasDisguise: false };
    return { isText: false, isEmpty, isBroken, ...unknown };
  }
  const lines = countOf(text, "\n");
  const returns = countOf(text, "\r\n");
  const lineEnd =
    lines === 0 ? undefined : returns === 0 ? "LF" : returns === lines ? "CRLF" : undefined;
  return {
    isText: true,
    isEmpty,
    hasMark: text.startsWith("\ufeff"),
    lineEnd,
    isBroken: path.endsWith(".json") && !isJson(text),
    hasDisguise: disguise.test(text),
  };
}

function countOf(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\ufeff/, ""));
    return true;
  } catch {
    return false;
  }
}
