import { decodeText, isText, textEncodingOf } from "../engines/text-encoding.ts";
import { type Hunk, structuredPatchOf } from "./structured-patch.ts";

/** What a change of files cost, beside what plain calls would have. */
export interface ToolMetrics {
  /** The engine that did it; `none` for a single plain write. */
  readonly optimization: "none" | "coalesce" | "no_op";
  readonly reads: number;
  readonly writes: number;
  /** Files and links removed, and things moved; directories that are made are not counted. */
  readonly deletes: number;
  readonly moves: number;
  readonly bytesWritten: number;
  /** Reads and writes that one call an operation would have made on top. */
  readonly savedReads: number;
  readonly savedWrites: number;
  readonly durationMs: number;
}

/** The metrics of a plain call, which no engine could do better. */
export function plainMetrics(
  durationMs: number,
  counts: { readonly deletes?: number; readonly moves?: number } = {},
): ToolMetrics {
  const none = { reads: 0, writes: 0, bytesWritten: 0, savedReads: 0, savedWrites: 0 };
  return { optimization: "none", deletes: 0, moves: 0, ...none, ...counts, durationMs };
}

/** The part of a result that says how a file's content changed. */
export interface ContentChange {
  /** The text before; `null` for a new file and for content that is not text. */
  readonly originalFile: string | null;
  /** Empty for content that is not text, on either side. */
  readonly structuredPatch: readonly Hunk[];
}

/** Describes a change of content for a result. */
export function contentChangeOf(before: Buffer | undefined, after: Buffer): ContentChange {
  const original = before === undefined ? null : textOf(before);
  const updated = textOf(after);
  if (updated === null || (before !== undefined && original === null)) {
    return { originalFile: original, structuredPatch: [] };
  }
  return { originalFile: original, structuredPatch: structuredPatchOf(original ?? "", updated) };
}

/** Bytes as text, `null` when they are not. A byte order mark is kept out of it. */
export function textOf(bytes: Buffer): string | null {
  return isText(bytes) ? decodeText(bytes, textEncodingOf(bytes)) : null;
}

/** Runs `work` and tells how long it took, in milliseconds. */
export function timed<T>(work: () => T): { readonly value: T; readonly durationMs: number } {
  const startedAt = performance.now();
  const value = work();
  return { value, durationMs: performance.now() - startedAt };
}
