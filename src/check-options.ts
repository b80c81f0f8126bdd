import { suggestName } from "./suggest-name.ts";

/** The names that an object of options may have; those of an option that holds some in its turn. */
export interface OptionNames {
  readonly [name: string]: true | OptionNames;
}

/** A table that has every option of a type, and no other. */
export type NamesOf<Options> = { readonly [Name in keyof Options]-?: true | OptionNames };

/**
 * Refuses options that do not exist, which would be ignored without a word otherwise: TypeScript
 * finds them where they are written, JavaScript never.
 *
 * @param call what takes them, for the message.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` naming the option, and the one that was likely meant.
 */
export function checkOptions(call: string, given: unknown, names: OptionNames): void {
  if (given === undefined) return;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalid(`${call} takes options as an object, ${shapeOf(names)}, not ${kindOf(given)}.`);
  }
  for (const [name, value] of Object.entries(given)) {
    const known = Object.hasOwn(names, name) ? names[name] : undefined;
    if (known === undefined) throw unknown(call, name, names);
    if (known !== true) checkOptions(`${name} of ${call}`, value, known);
  }
}

/** An error of Node's kind for an argument that can never be right. */
export function invalid(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}

function unknown(call: string, name: string, names: OptionNames): TypeError {
  const suggestion = suggestName(name, Object.keys(names));
  const hint =
    suggestion === undefined ? `There are ${shapeOf(names)}.` : `Did you mean ${suggestion}?`;
  return invalid(`${call} has no option ${name}. ${hint}`);
}

function shapeOf(names: OptionNames): string {
  return `{ ${Object.keys(names).join(", ")} }`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
