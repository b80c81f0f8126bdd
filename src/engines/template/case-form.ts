/** How a value is spelled where a template uses it; `+s` is its English plural. */
export type CaseForm = CaseName | `${CaseName}+s`;

/** `exact` is the value as it was given. */
export type CaseName = (typeof caseNames)[number];

const caseNames = [
  "exact",
  "camel",
  "pascal",
  "snake",
  "constant",
  "kebab",
  "dotted",
  "lower",
  "upper",
  "words",
  "title",
  "sentence",
] as const;

/** Every form, the plain ones first. */
export const caseForms: readonly CaseForm[] = [
  ...caseNames,
  ...caseNames.map((name): CaseForm => `${name}+s`),
];

/** Spells `value` in a form. */
export function inForm(value: string, form: CaseForm): string {
  const isPlural = form.endsWith("+s");
  const name = (isPlural ? form.slice(0, -2) : form) as CaseName;
  const singular = name === "exact" ? value : spelled(value, wordsOf(value), name);
  return isPlural ? pluralOf(singular, name) : singular;
}

/** Spells `value` in every form, in the order of {@link caseForms}: its words are parted once. */
export function inEveryForm(value: string): string[] {
  const words = wordsOf(value);
  const singular = caseNames.map((name) => spelled(value, words, name));
  return [...singular, ...caseNames.map((name, at) => pluralOf(singular[at] ?? "", name))];
}

function spelled(value: string, words: readonly string[], name: CaseName): string {
  switch (name) {
    case "exact":
      return value;
    case "camel":
      return words.map((word, index) => (index === 0 ? word : capital(word))).join("");
    case "pascal":
      return words.map(capital).join("");
    case "snake":
      return words.join("_");
    case "constant":
      return words.join("_").toUpperCase();
    case "kebab":
      return words.join("-");
    case "dotted":
      return words.join(".");
    case "lower":
      return words.join("");
    case "upper":
      return words.join("").toUpperCase();
    case "words":
      return words.join(" ");
    case "title":
      return words.map(capital).join(" ");
    case "sentence":
      return words.map((word, index) => (index === 0 ? capital(word) : word)).join(" ");
  }
}

/** The words of a value in lower case, however it joins them. */
function wordsOf(value: string): string[] {
  const words = value.match(/\p{Lu}+(?!\p{Ll})\p{N}*|\p{Lu}?[\p{Ll}\p{M}]+\p{N}*|[\p{L}\p{N}]+/gu);
  return (words ?? []).map((word) => word.toLowerCase());
}

function capital(word: string): string {
  const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
  return first.toUpperCase() + word.slice(first.length);
}

function pluralOf(word: string, name: CaseName): string {
  const isUpper = name === "constant" || name === "upper";
  const ending = (text: string) => (isUpper ? text.toUpperCase() : text);
  if (/[^aeiou]y$/i.test(word)) return `${word.slice(0, -1)}${ending("ies")}`;
  if (/(s|x|z|ch|sh)$/i.test(word)) return `${word}${ending("es")}`;
  return `${word}${ending("s")}`;
}
