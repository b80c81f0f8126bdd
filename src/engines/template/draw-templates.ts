import { isDraftError } from "../../errors.ts";
import { KIB } from "../../limits.ts";
import { clusterTexts, similarities } from "./cluster-texts.ts";
import { attemptEvolution } from "./evolve-template.ts";
import { extractTemplate } from "./extract-template.ts";
import { matchTemplate } from "./match-template.ts";
import type { Template, TemplateData } from "./template.ts";
import { TokenizedText, weightOf } from "./template-tokens.ts";

/** A template, and which of the texts it gives. */
export interface DrawnTemplate {
  readonly template: Template;
  readonly instances: readonly DrawnInstance[];
}

/** A text by its index, and what the template gives it from. */
export interface DrawnInstance {
  readonly index: number;
  readonly data: TemplateData;
}

/** Examples that a template is drawn from: enough to tell what varies, few enough to be quick. */
const examplesMax = 6;
/** Longer texts are no examples: to align them would take longer than all the rest. */
export const exampleCharactersMax = 16 * KIB;
/** Share of its instances from which on a template may be that of several makes. */
const givenShareMax = 0.25;
/** Share of those instances that closer templates have to give, to be taken instead. */
const coveredShareMin = 0.8;
/** Texts outside of the examples by which a template is generalised. */
const evolutionsMax = 4;
/** Share of its constant text that they keep: what keeps less is rather of another make. */
const evolvedShareMin = 0.9;

/**
 * Draws the templates of texts that are built alike, by their indexes: one from a sample of them,
 * generalised by some that it almost gives. What it does not give, all of them where the sample is
 * mixed, is parted into groups that are more alike, which are drawn from in turn.
 *
 * @param level how alike they are, an index of `similarities`.
 */
export function drawTemplates(
  texts: readonly string[],
  indexes: readonly number[],
  instancesMin: number,
  level = 0,
): DrawnTemplate[] {
  const drawn = drawOne(texts, indexes);
  const isWorthIt = drawn !== undefined && drawn.instances.length >= instancesMin;
  if (!isWorthIt) return drawCloser(texts, indexes, instancesMin, level);
  const given = new Set(drawn.instances.map(({ index }) => index));
  if (isLoose(drawn, texts)) {
    const closer = drawCloser(texts, indexes, instancesMin, level);
    const covered = closer.reduce((sum, { instances }) => sum + instances.length, 0);
    if (covered >= given.size * coveredShareMin) return closer;
  }
  const rest = indexes.filter((index) => !given.has(index));
  return [drawn, ...drawCloser(texts, rest, instancesMin, level)];
}

function drawCloser(
  texts: readonly string[],
  indexes: readonly number[],
  instancesMin: number,
  level: number,
): DrawnTemplate[] {
  if (indexes.length < instancesMin || level + 1 >= similarities.length) return [];
  const closer = clusterTexts(
    indexes.map((index) => texts[index] ?? ""),
    instancesMin,
    level + 1,
  );
  return closer.flatMap((cluster) => {
    const part = cluster.flatMap((at) => indexes[at] ?? []);
    return drawTemplates(texts, part, instancesMin, level + 1);
  });
}

/** Whether much of its first instances has to be given, as where two makes share a header only. */
function isLoose({ instances }: DrawnTemplate, texts: readonly string[]): boolean {
  let [total, given] = [0, 0];
  for (const { index, data } of instances.slice(0, examplesMax)) {
    total += weightOf(texts[index] ?? "");
    for (const value of Object.values(data)) given += weightOf(value);
  }
  return given > total * givenShareMax;
}

function drawOne(texts: readonly string[], indexes: readonly number[]): DrawnTemplate | undefined {
  let template = templateOf(indexes.map((index) => texts[index] ?? ""));
  if (template === undefined) return undefined;
  const instances: DrawnInstance[] = [];
  let others = take(template, texts, indexes, instances);
  for (const index of others.slice(0, evolutionsMax)) {
    if (!others.includes(index)) continue;
    const instance = new TokenizedText(texts[index] ?? "");
    const attempt = attemptEvolution(template, instance, evolvedShareMin);
    if (attempt.kind === "unlike") continue;
    template = attempt.template;
    // What it gave before it gives still, from the same data.
    others = take(template, texts, others, instances);
  }
  return { template, instances };
}

/** Adds the texts that the template gives; returns the others. */
function take(
  template: Template,
  texts: readonly string[],
  indexes: readonly number[],
  instances: DrawnInstance[],
): number[] {
  return indexes.filter((index) => {
    const data = matchTemplate(template, texts[index] ?? "");
    if (data !== undefined) instances.push({ index, data });
    return data === undefined;
  });
}

function templateOf(texts: readonly string[]): Template | undefined {
  const examples = texts.filter(({ length }) => length <= exampleCharactersMax);
  const step = Math.max(1, Math.floor(examples.length / examplesMax));
  const sample = examples.filter((_text, index) => index % step === 0).slice(0, examplesMax);
  try {
    return extractTemplate(sample).template;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_TEMPLATE") return undefined;
    throw error;
  }
}
