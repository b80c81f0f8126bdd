import { defineConfig } from "rolldown";
import manifest from "./package.json" with { type: "json" };

const packages = Object.keys({
  ...manifest.dependencies,
  ...manifest.optionalDependencies,
  ...manifest.peerDependencies,
});

/**
 * The JavaScript of `dist`: one file for what a command or an import always needs, and one more for
 * each part that is loaded on use. Node takes about a millisecond to find, read and link a module,
 * and there are 300 of them. All files lie side by side: a module finds a program beside itself
 * (`new URL("./main.js", import.meta.url)`) in whichever file it ends up.
 */
export default defineConfig({
  input: {
    index: "src/index.ts",
    engines: "src/engines/index.ts",
    tools: "src/tools/index.ts",
    vitest: "src/vitest/index.ts",
    unmocked: "src/vitest/unmocked.ts",
    main: "src/cli/main.ts",
    "server-main": "src/sandbox/fuse/server-main.ts",
    "notice-program": "src/sandbox/fuse/notice-program.ts",
    "background-program": "src/disk/background/background-program.ts",
  },
  platform: "node",
  external: [/^data:/, ...packages.map((name) => new RegExp(`^${name}(/|$)`))],
  transform: { target: "es2023" },
  output: { dir: "dist", cleanDir: true, comments: false },
});
