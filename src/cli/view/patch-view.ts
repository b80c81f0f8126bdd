import type { Diff } from "../../index.ts";
import type { ProgressLine } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Writes a diff as a patch: its exact bytes where there are no colours, so that `git apply` takes
 * them, and with the colours that people know from git on a terminal.
 *
 * @param line shows how far it is until then.
 */
export function writePatch(diff: Diff, terminal: Terminal, line?: ProgressLine): void {
  let patch: Buffer;
  try {
    patch = diff.toPatch(line === undefined ? {} : { onProgress: line.update });
  } finally {
    line?.clear();
  }
  writePatchBytes(patch, terminal);
}

/** {@link writePatch} for a patch that was made already. */
export function writePatchBytes(patch: Buffer, terminal: Terminal): void {
  if (!terminal.isColoured) {
    terminal.writeBytes(patch);
    return;
  }
  const lines = patch.toString("utf8").split("\n");
  terminal.write(lines.map((line) => colouredLine(line, terminal)).join("\n"));
}

function colouredLine(line: string, terminal: Terminal): string {
  if (/^(diff --git|\+\+\+|---) /.test(line)) return terminal.paint("bold", line);
  if (line.startsWith("@@ ")) return terminal.paint("cyan", line);
  if (line.startsWith("+")) return terminal.paint("green", line);
  if (line.startsWith("-")) return terminal.paint("red", line);
  return line;
}
