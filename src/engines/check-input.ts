import { checkOptions, invalid, kindOf, type NamesOf, type OptionNames } from "../check-options.ts";
import type { Edit } from "./coalesce/edit.ts";
import type { Operation } from "./operation.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { isTemplate } from "./template/template-shape.ts";
import { encodeText } from "./text-encoding.ts";

/**
 * What callers hand in, refused where JavaScript would go on with it (a missing content is an empty
 * file, a misspelt `replaceAll` none at all) or fail at a place that tells nobody why.
 */

type ShapesOf<Union extends { readonly kind: string }> = {
  readonly [Kind in Union["kind"]]: NamesOf<Extract<Union, { readonly kind: Kind }>>;
};

const editShapes: ShapesOf<Edit> = {
  string: {
    kind: true,
    oldText: "text",
    newText: "text",
    replaceAll: "flag",
    lineEndings: ["exact", "match"],
  },
  lines: { kind: true, first: "real", last: "real", text: "text" },
  bytes: { kind: true, offset: "real", length: "real", bytes: "bytes" },
};

const operationShapes: ShapesOf<Operation> = {
  write: { kind: true, path: "text", bytes: "bytes" },
  edit: { kind: true, path: "text", edits: "list" },
  delete: { kind: true, path: "text" },
  delete_tree: { kind: true, path: "text" },
  move: { kind: true, path: "text", target: "text" },
  make_directory: { kind: true, path: "text" },
};

const optionalNames = new Set(["replaceAll", "lineEndings"]);

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no overlay. */
export function checkOverlay(call: string, overlay: unknown): void {
  const { fs, root } = Object(overlay) as Partial<EngineOverlay>;
  if (typeof root === "string" && typeof fs === "object" && fs !== null) return;
  throw invalid(`${call} works on an overlay, as openOverlay gives it, not on ${kindOf(overlay)}.`);
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no path. */
export function checkPath(call: string, path: unknown): void {
  if (typeof path === "string") return;
  throw invalid(`${call} takes the path of a file as a string, not ${kindOf(path)}.`);
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` naming what is wrong with an operation. */
export function checkOperation(operation: Operation): void {
  // Nearly all are such writes, and a table costs as much as the rest of a small one.
  if (isPlainWrite(operation)) return;
  checkShape("an operation", operation, operationShapes);
  if (operation.kind === "edit") checkEdits(operation.path, operation.edits);
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` naming the edit, from 1, and what is wrong. */
export function checkEdits(path: string, edits: readonly Edit[]): void {
  checkPath("an edit", path);
  if (!Array.isArray(edits)) {
    throw invalid(`The edits of ${path} are a list, not ${kindOf(edits)}.`);
  }
  for (const [index, edit] of edits.entries()) {
    checkShape(`edit ${index + 1} of ${path}`, edit, editShapes);
  }
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no text, or no list of texts. */
export function checkTexts(call: string, texts: unknown, meaning: string): void {
  const isText = (one: unknown) => typeof one === "string";
  if (Array.isArray(texts) && texts.every(isText)) return;
  const wrong = Array.isArray(texts) ? texts.find((one) => !isText(one)) : texts;
  throw invalid(`${call} takes ${meaning} as a list of strings, not ${kindOf(wrong)}.`);
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no template. */
export function checkTemplate(template: unknown): void {
  if (isTemplate(template)) return;
  throw invalid(
    `A template is what extractTemplate gives as \`template\`, not ${kindOf(template)}.`,
  );
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what holds no values by name. */
export function checkData(data: unknown): void {
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return;
  throw invalid(`The data of a template is { parameter: value }, not ${kindOf(data)}.`);
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for rows that are no paths with their data. */
export function checkRows(files: unknown): void {
  if (!Array.isArray(files)) {
    throw invalid(`The files of a template are a list of { path, data }, not ${kindOf(files)}.`);
  }
  for (const [index, file] of files.entries()) {
    const { path, data } = Object(file) as { path?: unknown; data?: unknown };
    if (typeof path === "string" && typeof data === "object" && data !== null) continue;
    throw invalid(`File ${index + 1} of a template is { path, data }, not ${kindOf(file)}.`);
  }
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what has no pieces to stream. */
export function checkSource(call: string, source: unknown): void {
  const { [Symbol.iterator]: now, [Symbol.asyncIterator]: later } = Object(source) as {
    [Symbol.iterator]?: unknown;
    [Symbol.asyncIterator]?: unknown;
  };
  if (typeof now === "function" || typeof later === "function") return;
  throw invalid(`${call} writes what an iterable gives, piece by piece, not ${kindOf(source)}.`);
}

/**
 * The bytes of content, which are the caller's own no longer. Strings become UTF-8.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no content.
 * @throws {DraftError} `DRAFT_EDIT_FAILED` for a string with half a surrogate pair.
 */
export function contentBytesOf(path: string, content: string | Uint8Array): Uint8Array {
  if (typeof content === "string") return encodeText(content, "utf-8");
  if (content instanceof Uint8Array) return new Uint8Array(content);
  throw invalid(`The content of ${path} is a string or a Uint8Array, not ${kindOf(content)}.`);
}

function isPlainWrite(operation: Operation): boolean {
  return (
    operation?.kind === "write" &&
    typeof operation.path === "string" &&
    operation.bytes instanceof Uint8Array
  );
}

function checkShape(
  what: string,
  given: unknown,
  shapes: Readonly<Record<string, OptionNames>>,
): void {
  const kind: unknown = Object(given).kind;
  if (typeof kind !== "string" || !Object.hasOwn(shapes, kind)) {
    const kinds = Object.keys(shapes).map((one) => JSON.stringify(one));
    const is = typeof given === "object" && given !== null ? `its kind is ${kind}` : kindOf(given);
    throw invalid(`Cannot do ${what}: it is an object of the kind ${kinds.join(", ")}; ${is}.`);
  }
  const names = shapes[kind] as OptionNames;
  checkOptions(what, given, names);
  for (const name of Object.keys(names)) {
    const isMissing = (given as Record<string, unknown>)[name] === undefined;
    if (!isMissing || optionalNames.has(name)) continue;
    throw invalid(`Cannot do ${what}: it has no ${name}, which ${JSON.stringify(kind)} takes.`);
  }
}
