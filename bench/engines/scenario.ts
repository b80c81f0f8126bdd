import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import type { FileWriter } from "./safe-files.ts";

/** How large a run is: `tiny` in tests, so that no workload can rot. */
export interface Scale {
  readonly tiny: boolean;
}

/** One row of section G: the same outcome by plain code and by an engine. */
export interface Scenario {
  readonly name: string;
  /** Figures to reach, for the table: share of time and of I/O operations saved. */
  readonly wanted: string;
  /** Whether the engine works on the disk itself, as it does with a write that it leaves alone. */
  readonly onDisk?: true;
  /** Whether it moves so many bytes that few rounds are enough, and many would take minutes. */
  readonly isLarge?: true;
  /** Puts the files in place that the work starts from. */
  prepare(root: string, scale: Scale): void;
  /** What people write today; `files` is safe or unsafe. */
  plain(root: string, files: FileWriter, scale: Scale): void;
  /** The same by an engine, on an overlay that is committed afterwards. */
  engine(overlay: EngineOverlay, scale: Scale): void | Promise<void>;
}
