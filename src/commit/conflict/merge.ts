import { diff3Merge } from "node-diff3";
import { checkOptions } from "../../check-options.ts";
import type { Resolver } from "./commit-resolving.ts";
import type { Undecided } from "./conflict-decision.ts";

/** How {@link mergeTexts} treats what both sides have changed. */
export interface MergeOptions {
  /**
   * Puts both sides and the base between diff3 markers instead of giving up. Off by default. The
   * markers end with a carriage return where all three texts begin with such a line.
   */
  readonly markers?: boolean;
}

/** A merge of two contents that go back to one. */
export interface MergedText {
  readonly bytes: Buffer;
  /** Places where both sides differ; 0 without markers. */
  readonly conflicts: number;
}

/**
 * Merges two versions of a text by lines: what only one side has changed is taken from it.
 *
 * Bytes are never altered: lines keep their ends, encodings are not looked at. Content with a NUL
 * is no text.
 *
 * @returns `undefined` for what is no text, and for a conflict unless markers are asked for.
 */
export function mergeTexts(
  base: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
  options: MergeOptions = {},
): MergedText | undefined {
  if ([base, ours, theirs].some((bytes) => bytes.includes(0))) return undefined;
  // One character a byte: exact whatever the encoding, and a line feed is one in all that we merge.
  const [b, o, t] = [base, ours, theirs].map((bytes) =>
    linesOf(Buffer.from(bytes).toString("latin1")),
  );
  const regions = diff3Merge(o ?? [], b ?? [], t ?? [], { excludeFalseConflicts: true });
  const lines: string[] = [];
  const end = [b, o, t].every((side) => side?.[0]?.endsWith("\r\n") ?? true) ? "\r\n" : "\n";
  let conflicts = 0;
  for (const region of regions) {
    if (region.ok !== undefined) lines.push(...region.ok);
    if (region.conflict === undefined) continue;
    if (options.markers !== true) return undefined;
    conflicts += 1;
    const { a, o: common, b: other } = region.conflict;
    lines.push(`<<<<<<< draft${end}`, ...closed(a, end), `||||||| base${end}`);
    lines.push(...closed(common, end), `=======${end}`, ...closed(other, end));
    lines.push(`>>>>>>> disk${end}`);
  }
  return { bytes: Buffer.from(lines.join(""), "latin1"), conflicts };
}

/** A resolver that merges texts and leaves everything else undecided. */
export function mergingResolver(options: MergeOptions = {}): Resolver {
  checkOptions("mergingResolver", options, { markers: true });
  return (conflict, sides) => {
    if (conflict.reason !== "changed") return undefined;
    const { base, ours, theirs } = sides();
    if (ours === undefined || theirs === undefined) return undefined;
    if (ours.equals(theirs)) return { kind: "ours" };
    if ([ours, theirs].some((bytes) => bytes.includes(0))) return unmerged("it is no text");
    if (base === undefined)
      return unmerged("neither a checkpoint nor git has what the draft was based on");
    const merged = mergeTexts(base, ours, theirs, options);
    if (merged === undefined) return unmerged("both sides have changed the same lines");
    return { kind: "content", content: merged.bytes };
  };
}

function unmerged(why: string): Undecided {
  return { kind: "undecided", because: `cannot be merged: ${why}` };
}

/** Lines with their ends; the last one may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A marker must begin a line, also after a last line without an end. */
function closed(lines: readonly string[], end: string): string[] {
  return lines.map((line) => (line.endsWith("\n") ? line : line + end));
}
