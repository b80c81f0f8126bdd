import { createHash } from "node:crypto";
import { z } from "zod";
import { DraftError } from "../../errors.ts";
import type { Operation } from "../operation.ts";
import { isText } from "../text-encoding.ts";

/** Version of the trace format that this code reads and writes; see `docs/engines.md`. */
export const traceVersion = 1;

const content = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ base64: z.base64() }),
  z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().min(0) }),
]);

/** Relative, and inside of the root wherever it is replayed. */
const path = z
  .string()
  .min(1)
  .refine((text) => !text.startsWith("/") && !text.split("/").includes(".."), {
    error: "the path leaves the root",
  });
const edit = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("string"),
    oldText: z.string(),
    newText: z.string(),
    replaceAll: z.boolean().optional(),
    lineEndings: z.enum(["exact", "match"]).optional(),
  }),
  z.strictObject({ kind: z.literal("lines"), first: z.int(), last: z.int(), text: z.string() }),
  z.strictObject({
    kind: z.literal("bytes"),
    offset: z.int(),
    length: z.int(),
    base64: z.base64(),
  }),
]);

const operation = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("write"), path, content }),
  z.strictObject({ kind: z.literal("edit"), path, edits: z.array(edit).min(1) }),
  z.strictObject({ kind: z.literal("delete"), path }),
  z.strictObject({ kind: z.literal("delete_tree"), path }),
  z.strictObject({ kind: z.literal("move"), path, target: path }),
  z.strictObject({ kind: z.literal("make_directory"), path }),
]);

const line = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("trace"), version: z.int() }),
  // Without content it is a directory, which matters when it was empty.
  z.strictObject({ type: z.literal("base"), path, content: content.optional() }),
  z.strictObject({ type: z.literal("operation"), atMs: z.number(), operation }),
  z.strictObject({ type: z.literal("commit"), atMs: z.number() }),
  z.strictObject({ type: z.literal("skipped"), path, reason: z.string() }),
]);

/** One line of a trace: a JSON object. Paths are relative to the root. */
export type TraceLine = z.infer<typeof line>;

/** Content in a trace: as text, in base64, or only as its hash and length. */
export type TraceContent = z.infer<typeof content>;

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

/**
 * Reads a trace.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` with the number of the line that is wrong.
 */
export function parseTrace(text: string): Trace {
  const base: BaseNode[] = [];
  const commits: TracedOperation[][] = [[]];
  const skipped: string[] = [];
  for (const [index, source] of text.split("\n").entries()) {
    if (source.trim() === "") continue;
    const parsed = parseLine(source, index);
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
  return { base, commits: commits.filter((operations) => operations.length > 0), skipped };
}

function parseLine(source: string, index: number): TraceLine {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch {
    throw wrong(index, "it is no JSON");
  }
  const parsed = line.safeParse(json);
  if (parsed.success) {
    if (index === 0 && parsed.data.type !== "trace") throw wrong(0, "the header is missing");
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  throw wrong(index, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a trace line"}`);
}

function operationOf(traced: z.infer<typeof operation>): Operation {
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
