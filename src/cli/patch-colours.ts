import type { Terminal } from "./terminal.ts";

/** A patch with the colours that people know from git, on a terminal. */
export function colouredPatch(patch: string, terminal: Terminal): string {
  return patch
    .split("\n")
    .map((line) => colouredLine(line, terminal))
    .join("\n");
}

function colouredLine(line: string, terminal: Terminal): string {
  if (line.startsWith("diff --git ")) return terminal.paint("bold", line);
  if (line.startsWith("@@ ")) return terminal.paint("cyan", line);
  if (line.startsWith("+++ ") || line.startsWith("--- ")) return terminal.paint("bold", line);
  if (line.startsWith("+")) return terminal.paint("green", line);
  if (line.startsWith("-")) return terminal.paint("red", line);
  return line;
}
