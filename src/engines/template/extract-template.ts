import { DraftError } from "../../errors.ts";
import { checkTexts } from "../check-input.ts";
import { alignTokens } from "./align-tokens.ts";
import { type CaseForm, caseForms, inEveryForm, inForm } from "./case-form.ts";
import {
  compileTemplate,
  type Hole,
  type Segment,
  type Template,
  type TemplateData,
} from "./template.ts";
import { nameHole } from "./template-names.ts";
import { countsOf, sharedWeightOf, tokensOf, weightOf } from "./template-tokens.ts";

/** A template and what each example is made of. */
export interface ExtractedTemplate {
  readonly template: Template;
  /** Rendering the template with the nth of these gives the nth example, byte for byte. */
  readonly data: readonly TemplateData[];
  /** Share of the letters and digits of the examples that is constant, 0 to 1. */
  readonly constantShare: number;
}

/** Below these the examples have too little in common to be worth a template. */
const determinedShareMin = 0.5;
const constantShareMin = 0.2;
const constantWeightMin = 8;
/** Distinct lists of values beyond which finding spellings among them would take too long. */
const parametersMax = 500;

/** The tokens that all examples share, and where each of them stands in each example. */
interface Skeleton {
  readonly examples: readonly (readonly string[])[];
  /** For each shared token: its index in every example. */
  readonly places: readonly (readonly number[])[];
}

/**
 * Finds the text that examples have in common and the holes in which they differ.
 *
 * The first example's tokens are aligned with each further one's (see `alignTokens`), keeping what
 * all share: progressive alignment, as of Feng and Doolittle (1987), with the intersection as the
 * profile. Holes with the same values are one parameter, and so are holes whose values are
 * spellings of another's (`user`, `User`, `USER`, `users`).
 *
 * @throws {DraftError} `DRAFT_TEMPLATE` for fewer than two examples, and for examples without a
 *   useful skeleton.
 */
export function extractTemplate(examples: readonly string[]): ExtractedTemplate {
  checkTexts("extractTemplate", examples, "examples");
  const first = examples[0];
  if (first === undefined || examples.length < 2) {
    throw refusal("it takes at least two examples", { examples: examples.length });
  }
  const tokens = examples.map(tokensOf);
  const total = examples.reduce((sum, example) => sum + weightOf(example), 0);
  // More cannot be constant, and this is known without aligning them.
  const shareMax = total === 0 ? 0 : (commonWeightOf(tokens) * examples.length) / total;
  if (shareMax < constantShareMin) {
    throw refusal("the examples have too little in common", { constantShare: shareMax });
  }
  const skeleton = tidied(skeletonOf(tokens));
  const constantShare = shareOf(skeleton, examples);
  const constantWeight = weightOf(constantTextOf(skeleton));
  if (constantShare < constantShareMin || constantWeight < constantWeightMin) {
    throw refusal("the examples have too little in common", { constantShare, constantWeight });
  }
  const gaps = gapsOf(skeleton);
  const distinct = new Set([...gaps.values()].map(keyOf)).size;
  if (distinct > parametersMax) throw refusal("they differ in too many ways", { distinct });
  const sources = sourcesOf([...gaps.values()]);
  const determinedShare = total === 0 ? 0 : 1 - givenWeightOf(sources) / total;
  if (determinedShare < determinedShareMin) {
    throw refusal("the examples have too little in common", { constantShare, determinedShare });
  }
  const { template, data } = assemble(skeleton, gaps, sources);
  return { template, data, constantShare };
}

/** Letters and digits that have to be given: one value of each parameter, for every example. */
function givenWeightOf(sources: ReadonlyMap<string, Source>): number {
  let weight = 0;
  for (const key of new Set([...sources.values()].map((source) => source.key))) {
    for (const value of valuesOf(key)) weight += weightOf(value);
  }
  return weight;
}

/** Letters and digits of the tokens that all examples have, wherever they stand. */
function commonWeightOf(examples: readonly (readonly string[])[]): number {
  const [first = new Map<string, number>(), ...others] = examples.map(countsOf);
  let common = first;
  for (const counts of others) {
    const both = new Map<string, number>();
    for (const [token, count] of common) {
      const other = counts.get(token);
      if (other !== undefined) both.set(token, Math.min(count, other));
    }
    common = both;
  }
  return sharedWeightOf(common, common);
}

function skeletonOf(tokens: readonly (readonly string[])[]): Skeleton {
  const first = tokens[0] ?? [];
  let places: number[][] = first.map((_token, index) => [index]);
  for (const other of tokens.slice(1)) {
    const kept = places.map((place) => first[place[0] ?? 0] ?? "");
    places = alignTokens(kept, other).map(([at, otherAt]) => [...(places[at] ?? []), otherAt]);
  }
  return { examples: tokens, places };
}

/** Removes tokens that are shared by accident, then takes in what holes begin or end with alike. */
function tidied(skeleton: Skeleton): Skeleton {
  const { examples } = skeleton;
  let places = [...skeleton.places];
  for (let before = -1; before !== places.length; ) {
    before = places.length;
    places = places.filter((_place, index) => !isAccidental({ examples, places }, index));
  }
  return { examples, places: absorbed({ examples, places }) };
}

/** A short token between two holes that could as well be part of them. */
function isAccidental(skeleton: Skeleton, index: number): boolean {
  const token = tokenAt(skeleton, index);
  const isWord = /[\p{L}\p{N}]/u.test(token);
  // What cannot be is told first: the texts of the holes have to be put together.
  if (isWord ? token.length > 2 : token.includes("\n")) return false;
  if (isClosed(skeleton, index) || isClosed(skeleton, index + 1)) return false;
  const before = gapTexts(skeleton, index);
  const after = gapTexts(skeleton, index + 1);
  if (isWord) {
    return before.some((text, at) => {
      return /[\p{L}\p{N}]$/u.test(text) && /^[\p{L}\p{N}]/u.test(after[at] ?? "");
    });
  }
  return [...before, ...after].some((text) => text.includes(token));
}

function absorbed({ examples, places }: Skeleton): number[][] {
  const result: number[][] = [];
  for (let gap = 0; gap <= places.length; gap++) {
    const starts = examples.map((_tokens, at) => (places[gap - 1]?.[at] ?? -1) + 1);
    const ends = examples.map((tokens, at) => places[gap]?.[at] ?? tokens.length);
    const hasRoom = () => starts.every((start, at) => start < (ends[at] ?? 0));
    const isShared = (indexes: readonly number[]) => {
      const token = examples[0]?.[indexes[0] ?? 0];
      return examples.every((tokens, at) => tokens[indexes[at] ?? 0] === token);
    };
    const tail: number[][] = [];
    while (hasRoom() && isShared(starts)) {
      result.push([...starts]);
      for (const at of starts.keys()) starts[at] = (starts[at] ?? 0) + 1;
    }
    while (hasRoom() && isShared(ends.map((end) => end - 1))) {
      for (const at of ends.keys()) ends[at] = (ends[at] ?? 0) - 1;
      tail.unshift([...ends]);
    }
    result.push(...tail);
    const place = places[gap];
    if (place !== undefined) result.push([...place]);
  }
  return result;
}

/** The text of every example between shared token `index - 1` and shared token `index`. */
function gapTexts({ examples, places }: Skeleton, index: number): string[] {
  return examples.map((tokens, at) => {
    const start = (places[index - 1]?.[at] ?? -1) + 1;
    const end = places[index]?.[at] ?? tokens.length;
    return end === start ? "" : tokens.slice(start, end).join("");
  });
}

/** Whether no example has anything between shared token `index - 1` and shared token `index`. */
function isClosed({ examples, places }: Skeleton, index: number): boolean {
  return examples.every((tokens, at) => {
    return (places[index]?.[at] ?? tokens.length) === (places[index - 1]?.[at] ?? -1) + 1;
  });
}

function tokenAt({ examples, places }: Skeleton, index: number): string {
  return examples[0]?.[places[index]?.[0] ?? 0] ?? "";
}

function constantTextOf(skeleton: Skeleton): string {
  return skeleton.places.map((_place, index) => tokenAt(skeleton, index)).join("");
}

function shareOf(skeleton: Skeleton, examples: readonly string[]): number {
  const constant = weightOf(constantTextOf(skeleton));
  const total = examples.reduce((sum, example) => sum + weightOf(example), 0);
  return total === 0 ? 0 : (constant * examples.length) / total;
}

/** The holes: where the examples differ, and what each has there. */
function gapsOf(skeleton: Skeleton): Map<number, readonly string[]> {
  const gaps = new Map<number, readonly string[]>();
  for (let index = 0; index <= skeleton.places.length; index++) {
    if (!isClosed(skeleton, index)) gaps.set(index, gapTexts(skeleton, index));
  }
  return gaps;
}

function assemble(
  skeleton: Skeleton,
  gaps: ReadonlyMap<number, readonly string[]>,
  sources: ReadonlyMap<string, Source>,
): { template: Template; data: TemplateData[] } {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const segments: Segment[] = [];
  let constant = "";
  let before = "";
  for (let index = 0; index <= skeleton.places.length; index++) {
    const values = gaps.get(index);
    if (values !== undefined) {
      const source = sources.get(keyOf(values)) ?? { key: keyOf(values), form: "exact" };
      const name = names.get(source.key) ?? nameHole(before, values, taken);
      names.set(source.key, name);
      if (constant !== "") segments.push(constant);
      segments.push({ parameter: name, form: source.form } satisfies Hole);
      constant = "";
    }
    if (index === skeleton.places.length) break;
    const token = tokenAt(skeleton, index);
    constant += token;
    before += token;
  }
  if (constant !== "") segments.push(constant);
  const parameters = [...names.values()].map((name) => ({ name }));
  const template: Template = { version: 1, segments, parameters };
  const data = skeleton.examples.map((_tokens, at) => dataOf(names, at));
  checkRoundTrip(template, data, skeleton);
  return { template, data };
}

interface Source {
  /** Key of the values that this parameter is given. */
  readonly key: string;
  readonly form: CaseForm;
}

/**
 * For every list of values the list that it can be spelled from. Lists from which most others can
 * be spelled come first; a list is the source of itself when nothing better is.
 */
function sourcesOf(lists: readonly (readonly string[])[]): Map<string, Source> {
  const distinct = new Map(lists.map((values) => [keyOf(values), values]));
  const firstValues = new Set([...distinct.values()].map(([first]) => first));
  const spellings = [...distinct].map(([key, values]) => {
    const forms = new Map<string, CaseForm>();
    const isSpelled = distinct.size > 1 && values.some(hasSpellings);
    const firstSpelled = isSpelled ? inEveryForm(values[0] ?? "") : [];
    for (const [at, form] of caseForms.entries()) {
      // Nearly every form leads nowhere, which one of the values tells.
      if (!firstValues.has(firstSpelled[at])) continue;
      const spelled = keyOf(values.map((value) => inForm(value, form)));
      if (distinct.has(spelled) && !forms.has(spelled)) forms.set(spelled, form);
    }
    return { key, forms };
  });
  spellings.sort((a, b) => b.forms.size - a.forms.size);
  const sources = new Map<string, Source>();
  for (const { key, forms } of spellings) {
    if (sources.has(key)) continue;
    sources.set(key, { key, form: "exact" });
    for (const [spelled, form] of forms) {
      if (!sources.has(spelled)) sources.set(spelled, { key, form });
    }
  }
  return sources;
}

/** Whether a value has letters, or parts to join: spelled anew, a number alone loses its sign. */
function hasSpellings(value: string): boolean {
  return /\p{L}|\p{N}[^\p{N}]+\p{N}/u.test(value);
}

function keyOf(values: readonly string[]): string {
  return JSON.stringify(values);
}

function valuesOf(key: string): readonly string[] {
  return JSON.parse(key) as string[];
}

function dataOf(names: ReadonlyMap<string, string>, example: number): TemplateData {
  const entries = [...names].map(([key, name]) => {
    return [name, valuesOf(key)[example] ?? ""] as const;
  });
  return Object.fromEntries(entries);
}

function checkRoundTrip(
  template: Template,
  data: readonly TemplateData[],
  skeleton: Skeleton,
): void {
  const render = compileTemplate(template);
  for (const [index, tokens] of skeleton.examples.entries()) {
    if (render(data[index] ?? {}) === tokens.join("")) continue;
    throw new DraftError("DRAFT_BUG", "BUG: a template does not give back its example.");
  }
}

function refusal(reason: string, details: Readonly<Record<string, unknown>>): DraftError {
  return new DraftError(
    "DRAFT_TEMPLATE",
    `Cannot extract a template: ${reason}. Give two or more texts that are built alike.`,
    { details },
  );
}
