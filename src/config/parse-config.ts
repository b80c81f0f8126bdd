import type * as Yaml from "yaml";
import { suggestName } from "../suggest-name.ts";
import {
  type ConfigFileName,
  type ConfigKey,
  type ConfigKeyName,
  configFiles,
  configKeys,
} from "./config-keys.ts";
import { yamlParser } from "./yaml-parser.ts";

/** Something that is wrong in a file. */
export interface ConfigProblem {
  readonly path: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A key that a file sets. */
export interface ConfigSetting {
  readonly key: ConfigKeyName;
  readonly value: unknown;
  /** As it is written. */
  readonly shown: string;
  readonly line: number;
  readonly column: number;
}

/** What a configuration file says. */
export interface ParsedConfig {
  readonly settings: readonly ConfigSetting[];
  readonly problems: readonly ConfigProblem[];
}

/** Reads the text of one of the four files. Every problem is found, not only the first. */
export function parseConfig(fileName: ConfigFileName, path: string, text: string): ParsedConfig {
  const { isAlias, isMap, isScalar, LineCounter, parseDocument } = yamlParser();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const reading = new Reading(fileName, path, lines);
  for (const error of [...document.errors, ...document.warnings]) {
    reading.refuse(error.pos[0], error.message);
  }
  if (document.errors.length === 0) {
    const root = document.contents;
    if (isMap(root))
      reading.visit(root, "", (node) => (isAlias(node) ? node.resolve(document) : node));
    else if (root !== null && !(isScalar(root) && root.value === null)) {
      reading.refuse(root.range?.[0] ?? 0, "the file has to hold keys and values.");
    }
  }
  return reading;
}

class Reading implements ParsedConfig {
  readonly settings: ConfigSetting[] = [];
  readonly problems: ConfigProblem[] = [];
  readonly #fileName: ConfigFileName;
  readonly #path: string;
  readonly #lines: Yaml.LineCounter;
  readonly #yaml = yamlParser();

  constructor(fileName: ConfigFileName, path: string, lines: Yaml.LineCounter) {
    this.#fileName = fileName;
    this.#path = path;
    this.#lines = lines;
  }

  visit(map: Yaml.YAMLMap, prefix: string, resolve: (node: unknown) => unknown): void {
    for (const pair of map.items) this.#visitPair(pair, prefix, resolve);
  }

  refuse(offset: number, message: string): void {
    this.problems.push({ path: this.#path, ...this.#placeOf(offset), message });
  }

  #visitPair(pair: Yaml.Pair, prefix: string, resolve: (node: unknown) => unknown): void {
    const { isMap, isNode, isScalar } = this.#yaml;
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const offset = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
    const full = prefix === "" ? name : `${prefix}.${name}`;
    const value = resolve(pair.value);
    if (Object.hasOwn(configKeys, full) && this.#isOurs(full)) {
      this.#take(full as ConfigKeyName, value, offset);
    } else if (this.#sections().some((key) => key.startsWith(`${full}.`))) {
      if (isMap(value)) this.visit(value, full, resolve);
      else if (isScalar(value) ? value.value !== null : value !== null) {
        this.refuse(offset, `${full} is a section; it holds keys of its own.`);
      }
    } else this.refuse(offset, this.#unknown(name, full, prefix));
  }

  #take(name: ConfigKeyName, node: unknown, offset: number): void {
    const { isScalar } = this.#yaml;
    const { kind }: ConfigKey<unknown> = configKeys[name];
    const raw = isScalar(node) ? node.value : undefined;
    const value = isScalar(node) ? kind.parse(raw) : undefined;
    const at = isScalar(node) ? (node.range?.[0] ?? offset) : offset;
    if (value === undefined) {
      const shown = typeof raw === "string" ? JSON.stringify(raw) : String(raw);
      const found = isScalar(node) ? shown : "something else";
      this.refuse(at, `${name} has to be ${kind.expected}, not ${found}.`);
    } else this.settings.push({ key: name, value, shown: String(raw), ...this.#placeOf(at) });
  }

  /** Why a key is not known, and what was meant. */
  #unknown(name: string, full: string, prefix: string): string {
    const elsewhere = Object.entries(configFiles).find(
      ([file, sections]) =>
        file !== this.#fileName && sections.some((section) => section === full.split(".")[0]),
    );
    if (elsewhere !== undefined) return `${full} belongs into ${elsewhere[0]}.`;
    const depth = prefix === "" ? 0 : prefix.split(".").length;
    const siblings = this.#sections()
      .filter((key) => prefix === "" || key.startsWith(`${prefix}.`))
      .map((key) => key.split(".")[depth] ?? "");
    const known = [...new Set(siblings)];
    const meant = suggestName(name, known);
    const hint =
      meant === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean ${meant}?`;
    return `there is no key ${full}. ${hint}`;
  }

  #isOurs(full: string): boolean {
    return this.#sections().includes(full as ConfigKeyName);
  }

  #sections(): ConfigKeyName[] {
    const tops: readonly string[] = configFiles[this.#fileName];
    const names = Object.keys(configKeys) as ConfigKeyName[];
    return names.filter((name) => tops.includes(name.split(".")[0] ?? ""));
  }

  #placeOf(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}
