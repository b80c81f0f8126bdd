import { defineConfig } from "rolldown";
import { compiledNameOf, compiledSources } from "./compiled-sources.ts";

/** What `CompiledProject` consists of. Few files start several times as fast as hundreds. */
export default defineConfig({
  input: Object.fromEntries(compiledSources.map((source) => [compiledNameOf(source), source])),
  platform: "node",
  // All packages, but not what the compiler itself adds.
  external: /^(?!@oxc-project\/)[^./\0]/,
  transform: { target: "es2023" },
  output: { comments: false, sourcemap: true },
});
