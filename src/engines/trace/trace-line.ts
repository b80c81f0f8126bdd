/** Content in a trace: as text, in base64, or only as its hash and length. */
export type TraceContent =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly sha256: string; readonly bytes: number };

export type TracedEdit =
  | {
      readonly kind: "string";
      readonly oldText: string;
      readonly newText: string;
      readonly replaceAll?: boolean | undefined;
      readonly lineEndings?: "exact" | "match" | undefined;
    }
  | { readonly kind: "lines"; readonly first: number; readonly last: number; readonly text: string }
  | {
      readonly kind: "bytes";
      readonly offset: number;
      readonly length: number;
      readonly base64: string;
    };

/** An operation as a trace has it. Paths are relative to the root, wherever that is. */
export type OperationInTrace =
  | { readonly kind: "write"; readonly path: string; readonly content: TraceContent }
  | { readonly kind: "edit"; readonly path: string; readonly edits: readonly TracedEdit[] }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "delete_tree"; readonly path: string }
  | { readonly kind: "move"; readonly path: string; readonly target: string }
  | { readonly kind: "make_directory"; readonly path: string };

/** One line of a trace: a JSON object. */
export type TraceLine =
  | { readonly type: "trace"; readonly version: number }
  /** Without content it is a directory, which matters when it was empty. */
  | { readonly type: "base"; readonly path: string; readonly content?: TraceContent | undefined }
  | { readonly type: "operation"; readonly atMs: number; readonly operation: OperationInTrace }
  | { readonly type: "commit"; readonly atMs: number }
  | { readonly type: "skipped"; readonly path: string; readonly reason: string };

/**
 * What is wrong with parsed JSON that is to be a line of a trace, with where in it; `undefined` for
 * a {@link TraceLine}.
 */
export function traceLineProblem(json: unknown): string | undefined {
  const problem = line(json);
  if (problem === undefined) return undefined;
  return `${problem.at.join(".")}: ${problem.reason}`;
}

interface Problem {
  readonly at: readonly string[];
  readonly reason: string;
}

/** What is wrong with a value. */
type Check = (value: unknown) => Problem | undefined;

/** What each property of an object has to be; others it may not have. */
type Shape = Readonly<Record<string, Check>>;

const problem = (reason: string): Problem => ({ at: [], reason });

/** A check of one thing. */
function that(reason: string, isRight: (value: unknown) => boolean): Check {
  return (value) => (isRight(value) ? undefined : problem(reason));
}

const isText = (value: unknown): value is string => typeof value === "string";
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
/** Of whole groups of four. A pattern that counts them runs out of stack at some MiB. */
const base64Text = /^[\dA-Za-z+/]*={0,2}$/;
const isBase64 = (value: unknown): boolean =>
  isText(value) && value.length % 4 === 0 && base64Text.test(value);

const text = that("is no text", isText);
const whole = that("is no whole number", isWhole);
const finite = that("is no number", Number.isFinite);
const base64 = that("is no base64", isBase64);

/** Relative, and inside of the root wherever it is replayed. */
const path: Check = (value) => {
  if (!isText(value) || value === "") return problem("is no path");
  const leaves = value.startsWith("/") || value.split("/").includes("..");
  return leaves ? problem("the path leaves the root") : undefined;
};

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value);

const contents: readonly Shape[] = [
  { text },
  { base64 },
  {
    sha256: that("is no SHA-256", (value) => isText(value) && /^[\da-f]{64}$/.test(value)),
    bytes: that("is no size", (value) => isWhole(value) && value >= 0),
  },
];

const content: Check = (value) => {
  const shape = contents.find((one) => Object.keys(one).some((name) => hasOwn(value, name)));
  return shape === undefined ? problem("is no content") : shaped(value, shape);
};

const edit = oneOf("kind", {
  string: {
    oldText: text,
    newText: text,
    replaceAll: optional(that("is no boolean", (value) => typeof value === "boolean")),
    lineEndings: optional(that("is no rule", (value) => value === "exact" || value === "match")),
  },
  lines: { first: whole, last: whole, text },
  bytes: { offset: whole, length: whole, base64 },
});

const edits: Check = (value) => {
  if (!Array.isArray(value) || value.length === 0) return problem("is no list of edits");
  for (const [index, one] of value.entries()) {
    const found = edit(one);
    if (found !== undefined) return below(String(index), found);
  }
  return undefined;
};

const operation = oneOf("kind", {
  write: { path, content },
  edit: { path, edits },
  delete: { path },
  delete_tree: { path },
  move: { path, target: path },
  make_directory: { path },
});

const line = oneOf("type", {
  trace: { version: whole },
  base: { path, content: optional(content) },
  operation: { atMs: finite, operation },
  commit: { atMs: finite },
  skipped: { path, reason: text },
});

/** An object whose property `tag` says which shape it has. */
function oneOf(tag: string, shapes: Readonly<Record<string, Shape>>): Check {
  return (value) => {
    const given: unknown = hasOwn(value, tag) ? Object(value)[tag] : undefined;
    if (!isText(given) || !Object.hasOwn(shapes, given)) {
      return below(tag, problem(`is none of ${Object.keys(shapes).join(", ")}`));
    }
    return shaped(value, { ...shapes[given], [tag]: text });
  };
}

function shaped(value: unknown, shape: Shape): Problem | undefined {
  for (const name of Object.keys(Object(value))) {
    if (!Object.hasOwn(shape, name)) return below(name, problem("is unknown"));
  }
  for (const [name, check] of Object.entries(shape)) {
    const found = check(hasOwn(value, name) ? Object(value)[name] : undefined);
    if (found !== undefined) return below(name, found);
  }
  return undefined;
}

function hasOwn(value: unknown, name: string): boolean {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name);
}

function below(name: string, { at, reason }: Problem): Problem {
  return { at: [name, ...at], reason };
}
