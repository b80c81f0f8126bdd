import { createHash } from "node:crypto";
import { DraftError } from "../../errors.ts";
import type { Operation } from "../operation.ts";
import { isText } from "../text-encoding.ts";
import {
  type OperationInTrace,
  type TraceContent,
  type TraceLine,
  traceLineProblem,
} from "./trace-line.ts";

/** Version of the trace format that this code reads and writes; see `docs/engines.md`. */
export const traceVersion = 1;

/** Whether traces carry content, or only its hash. */
export type TraceContentPolicy = "inline" | "hash";

/** A file that was there before the operations, or a directory when it has no bytes. */
export interface BaseNode {
  readonly path: string;
  readonly bytes: Buffer | undefined;
}

/** A trace as it is replayed. */
export interface Trace {
  /** What was there before. */
  readonly base: readonly BaseNode[];
  /** Operations by commit; what came after the last one is a commit of its own. */
  readonly commits: readonly (readonly TracedOperation[])[];
  /** Paths that could not be recorded. */
  readonly skipped: readonly string[];
}

export interface TracedOperation {
  /** Since the trace began, in milliseconds. */
  readonly atMs: number;
  readonly operation: Operation;
}

/** Bytes as they are put into a trace. */
export function traceContentOf(bytes: Uint8Array, policy: TraceContentPolicy): TraceContent {
  if (policy === "hash") {
    return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString("utf8");
  const isExact = isText(bytes) && Buffer.from(text).equals(buffer);
  return isExact ? { text } : { base64: buffer.toString("base64") };
}

/**
 * An operation as it is put into a trace.
 *
 * @throws {DraftError} `DRAFT_UNSUPPORTED` for an edit under the policy `"hash"`: its texts are it.
 */
export function traceLineOf(
  atMs: number,
  done: Operation,
  policy: TraceContentPolicy,
): Extract<TraceLine, { type: "operation" }> {
  switch (done.kind) {
    case "write": {
      const { path: at, bytes } = done;
      const written = { kind: "write" as const, path: at, content: traceContentOf(bytes, policy) };
      return { type: "operation", atMs, operation: written };
    }
    case "edit": {
      if (policy === "hash") {
        throw new DraftError(
          "DRAFT_UNSUPPORTED",
          "Cannot record an edit by its hash: record the write of its result, or content inline.",
          { path: done.path },
        );
      }
      const edits = done.edits.map((one) => {
        if (one.kind !== "bytes") return one;
        const { kind, offset, length, bytes } = one;
        return { kind, offset, length, base64: Buffer.from(bytes).toString("base64") };
      });
      return { type: "operation", atMs, operation: { kind: "edit", path: done.path, edits } };
    }
    case "delete":
    case "delete_tree":
    case "move":
    case "make_directory":
      return { type: "operation", atMs, operation: done };
  }
}

/** The text of a trace: one JSON object a line. */
export function traceTextOf(lines: readonly TraceLine[]): string {
  return `${lines.map((one) => JSON.stringify(one)).join("\n")}\n`;
}

const headerMissing = 'the header {"type":"trace","version":1} is missing';

/**
 * Reads a trace.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` with the number of the line that is wrong.
 */
export function parseTrace(text: string): Trace {
  const base: BaseNode[] = [];
  const commits: TracedOperation[][] = [[]];
  const skipped: string[] = [];
  let hasHeader = false;
  for (const [index, source] of text.split("\n").entries()) {
    if (source.trim() === "") continue;
    const parsed = parseLine(source, index);
    if (!hasHeader && parsed.type !== "trace") throw wrong(index, headerMissing);
    hasHeader = true;
    switch (parsed.type) {
      case "trace":
        if (parsed.version !== traceVersion) throw wrong(index, "it is of another version");
        break;
      case "base":
        base.push({
          path: parsed.path,
          bytes: parsed.content === undefined ? undefined : bytesOf(parsed.content),
        });
        break;
      case "operation":
        commits.at(-1)?.push({ atMs: parsed.atMs, operation: operationOf(parsed.operation) });
        break;
      case "commit":
        commits.push([]);
        break;
      case "skipped":
        skipped.push(parsed.path);
        break;
    }
  }
  // A recording of nothing has a header: this is one that was never written, or another file.
  if (!hasHeader) throw wrong(0, `the file is empty, and ${headerMissing}`);
  return { base, commits: commits.filter((operations) => operations.length > 0), skipped };
}

function parseLine(source: string, index: number): TraceLine {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch {
    throw wrong(index, "it is no JSON");
  }
  const problem = traceLineProblem(json);
  if (problem !== undefined) throw wrong(index, problem);
  return json as TraceLine;
}

function operationOf(traced: OperationInTrace): Operation {
  switch (traced.kind) {
    case "write":
      return { kind: "write", path: traced.path, bytes: bytesOf(traced.content) };
    case "edit":
      return {
        kind: "edit",
        path: traced.path,
        edits: traced.edits.map((one) => {
          if (one.kind === "bytes") {
            const { kind, offset, length, base64 } = one;
            return { kind, offset, length, bytes: Buffer.from(base64, "base64") };
          }
          if (one.kind === "lines") return one;
          const { replaceAll, lineEndings, ...rest } = one;
          return {
            ...rest,
            ...(replaceAll === undefined ? {} : { replaceAll }),
            ...(lineEndings === undefined ? {} : { lineEndings }),
          };
        }),
      };
    case "delete":
    case "delete_tree":
    case "move":
    case "make_directory":
      return traced;
  }
}

/** Content known by its hash is replaced by bytes made from it: as many, and the same each time. */
function bytesOf(traced: TraceContent): Buffer {
  if ("text" in traced) return Buffer.from(traced.text);
  if ("base64" in traced) return Buffer.from(traced.base64, "base64");
  return Buffer.alloc(traced.bytes, `${traced.sha256}\n`);
}

function wrong(index: number, reason: string): DraftError {
  return new DraftError(
    "DRAFT_TOOL_INPUT",
    `Cannot read the trace: line ${index + 1}: ${reason}.`,
    {
      details: { line: index + 1 },
    },
  );
}
