import { suggestName } from "./suggest-name.ts";

/** What the value of an option may be, where a wrong one would do harm without a word. */
const kinds = {
  text: ["a string", (value: unknown) => typeof value === "string"],
  texts: [
    "a list of strings",
    (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  ],
  count: [
    "a whole number from 1",
    (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1,
  ],
  number: ["a number from 0", (value: unknown) => typeof value === "number" && value >= 0],
  real: ["a number", (value: unknown) => typeof value === "number"],
  flag: ["true or false", (value: unknown) => typeof value === "boolean"],
  bytes: ["a Uint8Array", (value: unknown) => value instanceof Uint8Array],
  list: ["a list", Array.isArray],
} as const;

type Rule = true | keyof typeof kinds | readonly string[] | OptionNames;

/**
 * The options that an object may have, each with what it may be: anything, something of a kind, one
 * of a list of words, or an object of options in its turn.
 */
export interface OptionNames {
  readonly [name: string]: Rule;
}

/** A table that has every option of a type, and no other. */
export type NamesOf<Options> = {
  readonly [Name in keyof Options]-?:
    | true
    | keyof typeof kinds
    | readonly (Options[Name] & string)[]
    | OptionNames;
};

/**
 * Refuses options that do not exist, which would be ignored without a word otherwise, and values
 * that mean nothing: TypeScript finds them where they are written, JavaScript never.
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
    const rule = Object.hasOwn(names, name) ? names[name] : undefined;
    if (rule === undefined) throw unknown(call, name, names);
    if (value !== undefined) checkValue(`${name} of ${call}`, value, rule);
  }
}

/** @throws {TypeError} `ERR_INVALID_ARG_VALUE` for what is no function. */
export function checkFunction(call: string, given: unknown, meaning: string): void {
  if (typeof given === "function") return;
  throw invalid(`${call} takes a function that ${meaning}, not ${kindOf(given)}.`);
}

/** An error of Node's kind for an argument that can never be right. */
export function invalid(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}

function checkValue(what: string, value: unknown, rule: Rule): void {
  if (rule === true) return;
  if (typeof rule === "string") {
    const [meaning, isRight] = kinds[rule];
    if (!isRight(value)) throw invalid(`${what} is ${meaning}, not ${shown(value)}.`);
  } else if (!isWords(rule)) {
    checkOptions(what, value, rule);
  } else if (typeof value !== "string" || !rule.includes(value)) {
    throw invalid(`${what} is ${rule.map(shown).join(" or ")}, not ${shown(value)}.`);
  }
}

function isWords(rule: readonly string[] | OptionNames): rule is readonly string[] {
  return Array.isArray(rule);
}

function unknown(call: string, name: string, names: OptionNames): TypeError {
  const meant = suggestName(name, Object.keys(names));
  const hint = meant === undefined ? `There are ${shapeOf(names)}.` : `Did you mean ${meant}?`;
  return invalid(`${call} has no option ${name}. ${hint}`);
}

function shapeOf(names: OptionNames): string {
  return `{ ${Object.keys(names).join(", ")} }`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** What a value is, in words, for the message about a wrong one. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
