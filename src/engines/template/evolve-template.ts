import { DraftError } from "../../errors.ts";
import { checkTemplate, checkTexts } from "../check-input.ts";
import { alignTokens } from "./align-tokens.ts";
import { inForm } from "./case-form.ts";
import { matchTemplate } from "./match-template.ts";
import {
  type Hole,
  type Parameter,
  renderTemplate,
  type Segment,
  type Template,
  type TemplateData,
} from "./template.ts";
import { nameHole } from "./template-names.ts";
import { countsOf, sharedWeightOf, TokenizedText, tokensOf, weightOf } from "./template-tokens.ts";

/** A template that also gives a new instance. */
export interface EvolvedTemplate {
  /** The template as it was when it gave the instance already. */
  readonly template: Template;
  readonly data: TemplateData;
  readonly changed: boolean;
}

/** Share of the constant text that a new instance has to keep; else it is something else. */
const keptShareMin = 0.6;

/**
 * Generalises a template by a new instance that almost fits it. What the instance has in place of a
 * constant becomes a hole, whose stand-in is what the template had there: data of earlier instances
 * renders to the very same text as before.
 *
 * @throws {DraftError} `DRAFT_TEMPLATE` when the instance keeps too little of the template.
 */
export function evolveTemplate(template: Template, instance: string): EvolvedTemplate {
  checkTemplate(template);
  checkTexts("evolveTemplate", [instance], "an instance");
  const matched = matchTemplate(template, instance);
  if (matched !== undefined) return { template, data: matched, changed: false };
  const attempt = attemptEvolution(template, new TokenizedText(instance));
  if (attempt.kind === "evolved") return attempt;
  throw new DraftError(
    "DRAFT_TEMPLATE",
    "Cannot generalise the template: the new instance keeps " +
      `${Math.round(attempt.keptShare * 100)} % of its constant text. ` +
      "Extract a template of its own from several instances.",
    { details: { keptShare: attempt.keptShare } },
  );
}

/** What came of generalising a template. */
export type Evolution =
  | (EvolvedTemplate & { readonly kind: "evolved" })
  /** The instance keeps no more than this share of the template's constant text, 0 to 1. */
  | { readonly kind: "unlike"; readonly keptShare: number };

/**
 * Generalises a template by an instance that does not match it, if it keeps enough of it.
 *
 * @param sharedMin share of the constant text that it has to keep, 0 to 1.
 */
export function attemptEvolution(
  template: Template,
  instance: TokenizedText,
  sharedMin = keptShareMin,
): Evolution {
  const constants = constantsOf(template);
  const shareOf = (kept: number) => (constants.weight === 0 ? 1 : kept / constants.weight);
  // More cannot be kept, and this is known without aligning them.
  const mostShare = shareOf(sharedWeightOf(constants.counts, instance.counts));
  if (mostShare < sharedMin) return { kind: "unlike", keptShare: mostShare };
  const stretches = stretchesOf(template, instance.tokens);
  const keptShare = shareOf(keptWeightOf(stretches));
  if (keptShare < sharedMin) return { kind: "unlike", keptShare };
  const values = bindParameters(stretches);
  const taken = new Set(template.parameters.map(({ name }) => name));
  const segments: Segment[] = [];
  const added: Parameter[] = [];
  let before = "";
  for (const stretch of stretches) {
    if (stretch.kind === "kept") {
      append(segments, stretch.text);
      before += stretch.text;
    } else if (rendersTo(stretch, values)) {
      for (const segment of stretch.segments) append(segments, segment);
    } else {
      const name = nameHole(before, [stretch.text], taken);
      added.push({ name, standIn: stretch.segments });
      values.set(name, stretch.text);
      append(segments, { parameter: name, form: "exact" });
    }
  }
  const evolved: Template = {
    version: 1,
    segments,
    parameters: [...template.parameters, ...added],
  };
  const data = Object.fromEntries(values);
  if (renderTemplate(evolved, data) !== instance.text) {
    throw new DraftError("DRAFT_BUG", "BUG: an evolved template does not give its instance.");
  }
  return { kind: "evolved", template: evolved, data, changed: added.length > 0 };
}

interface Constants {
  readonly counts: ReadonlyMap<string, number>;
  readonly weight: number;
}

/** Kept with the template: a cache holds every new text against the same few. */
const constantsByTemplate = new WeakMap<Template, Constants>();

function constantsOf(template: Template): Constants {
  const known = constantsByTemplate.get(template);
  if (known !== undefined) return known;
  const texts = template.segments.filter((segment) => typeof segment === "string");
  const constants = {
    counts: countsOf(texts.flatMap(tokensOf)),
    weight: texts.reduce((sum, text) => sum + weightOf(text), 0),
  };
  constantsByTemplate.set(template, constants);
  return constants;
}

/** A part of the template and what the instance has in its place. */
type Stretch =
  | { readonly kind: "kept"; readonly text: string }
  | { readonly kind: "gap"; readonly segments: readonly Segment[]; readonly text: string };

type Piece =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "hole"; readonly hole: Hole };

function stretchesOf(template: Template, theirs: readonly string[]): Stretch[] {
  const pieces = template.segments.flatMap((segment): Piece[] =>
    typeof segment === "string"
      ? tokensOf(segment).map((token) => ({ kind: "token", token }))
      : [{ kind: "hole", hole: segment }],
  );
  const constants = pieces.flatMap((piece) => (piece.kind === "token" ? [piece.token] : []));
  const matches = new Map(alignTokens(constants, theirs));
  const stretches: Stretch[] = [];
  let segments: Segment[] = [];
  let constant = 0;
  let position = 0;
  const close = (until: number) => {
    const text = theirs.slice(position, until).join("");
    if (segments.length > 0 || text !== "") stretches.push({ kind: "gap", segments, text });
    segments = [];
  };
  for (const piece of pieces) {
    if (piece.kind === "hole") {
      append(segments, piece.hole);
      continue;
    }
    const match = matches.get(constant);
    constant += 1;
    if (match === undefined) append(segments, piece.token);
    else {
      close(match);
      stretches.push({ kind: "kept", text: piece.token });
      position = match + 1;
    }
  }
  close(theirs.length);
  return stretches;
}

/** Values of the parameters that stand alone, spelled as they were given. */
function bindParameters(stretches: readonly Stretch[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const stretch of stretches) {
    const hole = aloneIn(stretch);
    if (hole?.form !== "exact" || stretch.kind !== "gap" || values.has(hole.parameter)) continue;
    values.set(hole.parameter, stretch.text);
  }
  return values;
}

function aloneIn(stretch: Stretch): Hole | undefined {
  if (stretch.kind !== "gap" || stretch.segments.length !== 1) return undefined;
  const only = stretch.segments[0];
  return typeof only === "string" ? undefined : only;
}

function rendersTo(
  stretch: Extract<Stretch, { kind: "gap" }>,
  values: ReadonlyMap<string, string>,
): boolean {
  const hole = aloneIn(stretch);
  const value = hole === undefined ? undefined : values.get(hole.parameter);
  return hole !== undefined && value !== undefined && inForm(value, hole.form) === stretch.text;
}

function keptWeightOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, stretch) => {
    return sum + (stretch.kind === "kept" ? weightOf(stretch.text) : 0);
  }, 0);
}

/** Appends a segment; constant text joins constant text. */
function append(segments: Segment[], segment: Segment): void {
  const last = segments.at(-1);
  if (typeof segment === "string" && typeof last === "string") {
    segments[segments.length - 1] = last + segment;
  } else segments.push(segment);
}
