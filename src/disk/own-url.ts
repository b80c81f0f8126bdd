import { pathToFileURL } from "node:url";

/**
 * Where this code lies. A bundler that makes CommonJS of it may leave `import.meta` empty, and then
 * there is `__filename`.
 */
export const ownUrl: string =
  (import.meta.url as string | undefined) ?? pathToFileURL(__filename).href;
