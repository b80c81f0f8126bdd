import { pathToFileURL } from "node:url";

/**
 * Where the code of a module lies.
 *
 * @param url its `import.meta.url`. A bundler that makes CommonJS of it may leave that empty, and
 *   then there is `__filename`, of all that is in the bundle.
 */
export function ownUrlOf(url: string | undefined): string {
  return url ?? pathToFileURL(__filename).href;
}
