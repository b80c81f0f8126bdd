import { renderTemplate, type Template, type TemplateData } from "./template.ts";

/**
 * The data with which a template gives `text`, or `undefined` when it cannot.
 *
 * Constant parts are looked for from left to right; a match counts only when rendering it gives
 * back the text.
 */
export function matchTemplate(template: Template, text: string): TemplateData | undefined {
  const values = new Map<string, string>();
  const spelled: string[] = [];
  let position = 0;
  for (const [index, segment] of template.segments.entries()) {
    if (typeof segment === "string") {
      if (!text.startsWith(segment, position)) return undefined;
      position += segment.length;
      continue;
    }
    const end = holeEnd(template, index, text, position);
    if (end < position) return undefined;
    const value = text.slice(position, end);
    position = end;
    if (segment.form === "exact") {
      const known = values.get(segment.parameter);
      if (known !== undefined && known !== value) return undefined;
      values.set(segment.parameter, value);
    } else spelled.push(segment.parameter);
  }
  if (position !== text.length) return undefined;
  if (!spelled.every((parameter) => values.has(parameter))) return undefined;
  const data = Object.fromEntries(values);
  return renderTemplate(template, data) === text ? data : undefined;
}

/** Where the hole at `index` ends: before the next constant, or at the end of the text. */
function holeEnd(template: Template, index: number, text: string, from: number): number {
  const next = template.segments[index + 1];
  if (typeof next !== "string") return text.length;
  const isLast = index + 2 === template.segments.length;
  if (!isLast) return text.indexOf(next, from);
  return text.endsWith(next) ? text.length - next.length : -1;
}
