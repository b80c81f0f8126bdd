/** What works with the disk itself, and has to find Node's own `node:fs` where a test mocks it. */
export { fsModule, fsPromisesModule } from "./fs-module.ts";
export { overlayTestBy } from "./overlay-test.ts";
