import fs from "node:fs";
import { Lower, type LowerFileSystem } from "./lower.ts";
import { ForeignLower } from "./lower-foreign.ts";

/** Opens the file system below an overlay: the real disk, unless another one is given. */
export function openLower(fileSystem: LowerFileSystem = fs): Lower {
  return fileSystem === fs ? new Lower(fileSystem) : new ForeignLower(fileSystem);
}
