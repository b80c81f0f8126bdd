import { type CaseForm, caseForms } from "./case-form.ts";
import type { Template } from "./template.ts";

const forms: ReadonlySet<unknown> = new Set<CaseForm>(caseForms);

/**
 * Whether a value, such as what was stored or made by hand, is a template that renders: every hole
 * has a parameter and a spelling that there is. What stands in for a parameter consists of earlier
 * ones, so that no parameter stands in for itself.
 */
export function isTemplate(value: unknown): value is Template {
  const { version, segments, parameters } = Object(value) as {
    readonly [Name in keyof Template]?: unknown;
  };
  if (version !== 1 || !Array.isArray(segments) || !Array.isArray(parameters)) return false;
  const known = new Set<unknown>();
  for (const parameter of parameters) {
    const { name, standIn } = Object(parameter) as { name?: unknown; standIn?: unknown };
    if (typeof name !== "string" || known.has(name)) return false;
    if (standIn !== undefined && !isRendered(standIn, known)) return false;
    known.add(name);
  }
  return isRendered(segments, known);
}

function isRendered(segments: unknown, known: ReadonlySet<unknown>): boolean {
  if (!Array.isArray(segments)) return false;
  return segments.every((segment) => {
    if (typeof segment === "string") return true;
    const { parameter, form } = Object(segment) as { parameter?: unknown; form?: unknown };
    return known.has(parameter) && forms.has(form);
  });
}
