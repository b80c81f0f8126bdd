import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import { ownUrlOf } from "../disk/own-url.ts";

let loaded: typeof Yaml | undefined;

/** Loads the parser in the way that bundlers see. */
export async function loadYamlParser(): Promise<void> {
  loaded ??= await import("yaml");
}

/**
 * The parser of configuration files. It is loaded for the first file that there is, for it takes as
 * long as all engines together.
 */
export function yamlParser(): typeof Yaml {
  loaded ??= createRequire(ownUrlOf(import.meta.url))("yaml") as typeof Yaml;
  return loaded;
}
