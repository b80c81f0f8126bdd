import { createHash } from "node:crypto";
import { kindOf } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { checkData, checkTemplate } from "../check-input.ts";
import { type CaseForm, inForm } from "./case-form.ts";

/**
 * A text with holes. Constant parts and holes are separate values, so that no character of either
 * has a meaning: `$`, braces and backticks are what they are. No two holes stand side by side.
 */
export interface Template {
  /** Grows when what a template means changes; a later one is not read. */
  readonly version: 1;
  readonly segments: readonly Segment[];
  readonly parameters: readonly Parameter[];
}

export type Segment = string | Hole;

/** A place for a parameter's value, in the spelling that the place asks for. */
export interface Hole {
  readonly parameter: string;
  readonly form: CaseForm;
}

export interface Parameter {
  readonly name: string;
  /**
   * What stands in for a missing value: what stood in this place before the template was
   * generalised. Without one the value is required.
   */
  readonly standIn?: readonly Segment[];
}

/** Values by parameter. */
export type TemplateData = Readonly<Record<string, string>>;

/** Renders a template, exactly: nothing is escaped, trimmed or converted. */
export type Renderer = (data: TemplateData) => string;

/** Identity of a template: equal templates have equal ids. */
export function templateIdOf(template: Template): string {
  return createHash("sha1").update(JSON.stringify(template)).digest("hex");
}

/**
 * Compiles a template once for many renderings.
 *
 * The renderer throws `DRAFT_TEMPLATE` for a missing value and for one that no parameter takes.
 */
export function compileTemplate(template: Template): Renderer {
  checkTemplate(template);
  const parameters = new Map(template.parameters.map((parameter) => [parameter.name, parameter]));
  const { segments } = template;
  return (data) => {
    checkData(data);
    for (const name of Object.keys(data)) {
      if (!parameters.has(name)) throw unknownParameter(name, [...parameters.keys()]);
      if (typeof data[name] !== "string") throw noText(name, data[name]);
    }
    return renderSegments(segments, parameters, data);
  };
}

const compiled = new WeakMap<Template, Renderer>();

/** Renders a template, which is compiled once; see {@link compileTemplate}. */
export function renderTemplate(template: Template, data: TemplateData): string {
  const render = compiled.get(template) ?? compileTemplate(template);
  compiled.set(template, render);
  return render(data);
}

function renderSegments(
  segments: readonly Segment[],
  parameters: ReadonlyMap<string, Parameter>,
  data: TemplateData,
): string {
  let text = "";
  for (const segment of segments) {
    if (typeof segment === "string") {
      text += segment;
      continue;
    }
    const value = Object.hasOwn(data, segment.parameter) ? data[segment.parameter] : undefined;
    if (value !== undefined) {
      text += inForm(value, segment.form);
      continue;
    }
    const standIn = parameters.get(segment.parameter)?.standIn;
    if (standIn === undefined) throw missingParameter(segment.parameter);
    text += renderSegments(standIn, parameters, data);
  }
  return text;
}

function missingParameter(name: string): DraftError {
  return new DraftError("DRAFT_TEMPLATE", `Cannot render the template: ${name} has no value.`, {
    details: { parameter: name },
  });
}

function noText(name: string, value: unknown): DraftError {
  return new DraftError(
    "DRAFT_TEMPLATE",
    `Cannot render the template: the value of ${name} is a string, not ${kindOf(value)}.`,
    { details: { parameter: name } },
  );
}

function unknownParameter(name: string, known: readonly string[]): DraftError {
  return new DraftError(
    "DRAFT_TEMPLATE",
    `Cannot render the template: it has no parameter ${name}, only ${known.join(", ") || "none"}.`,
    { details: { parameter: name, known } },
  );
}
