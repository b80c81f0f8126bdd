import { inForm } from "./case-form.ts";

/** Anything may stand before a hole, `constructor` too, which a plain object would answer to. */
const declared: ReadonlyMap<string, string> = new Map([
  ["class", "className"],
  ["interface", "interfaceName"],
  ["enum", "enumName"],
  ["struct", "structName"],
  ["type", "typeName"],
  ["function", "functionName"],
  ["def", "functionName"],
  ["fn", "functionName"],
  ["func", "functionName"],
  ["module", "moduleName"],
  ["namespace", "namespaceName"],
  ["package", "packageName"],
  ["table", "tableName"],
  ["describe", "subject"],
]);

/**
 * A name for a hole, from what stands before it: the key that it is the value of, the keyword that
 * it is declared with, the element that it stands in; else from what its values look like.
 *
 * @param taken names in use; the new one is added.
 */
export function nameHole(before: string, values: readonly string[], taken: Set<string>): string {
  const base = nameFromContext(before.slice(-80)) ?? nameFromValues(values);
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}${count}`;
  taken.add(name);
  return name;
}

function nameFromContext(before: string): string | undefined {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const declaration = /\b([a-z]+)[ (]+["'`]?[\w-]*$/i.exec(line)?.[1];
  const named = declaration === undefined ? undefined : declared.get(declaration.toLowerCase());
  if (named !== undefined) return named;
  if (/\bfrom\s+["'][^"']*$/.test(line) || /\brequire\(["'][^"']*$/.test(line)) return "module";
  const key = /([A-Za-z_][\w-]*)["']?\s*(?::|=>?)\s*["'`]?$/.exec(line)?.[1];
  if (key !== undefined && inForm(key, "camel") !== "") return inForm(key, "camel");
  const element = /<([A-Za-z][\w-]*)[^<>]*>\s*$/.exec(line)?.[1];
  return element === undefined ? undefined : inForm(element, "camel");
}

function nameFromValues(values: readonly string[]): string {
  if (values.every((value) => /^-?[\d.]+$/.test(value))) return "number";
  if (values.every((value) => /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(value))) return "name";
  return values.some((value) => value.includes("\n")) ? "block" : "text";
}
