/** `draftfs/vitest`: an overlay for each test, also under code that imports `node:fs`. */
export { fsModule, fsPromisesModule } from "./fs-module.ts";
export { type OverlayFixtures, overlayTest } from "./overlay-test.ts";
