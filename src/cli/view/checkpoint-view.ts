import type { Checkpoint } from "../../index.ts";
import { printable, type Terminal } from "../terminal.ts";
import { localTime } from "./local-time.ts";
import { countText } from "./quantities.ts";

type RecordedChange = Checkpoint["manifest"]["changes"][number];

/**
 * A checkpoint on one line: its name (`@12`, which no shell takes for a comment or a pattern),
 * id, time, what it was, its message and how much it changed.
 */
export function checkpointLine({ id, manifest }: Checkpoint, terminal: Terminal): string {
  const { sequence, operation, message, createdMs, changes } = manifest;
  const time = localTime(new Date(createdMs));
  const [title = ""] = message.split("\n");
  const label = terminal.paint("yellow", `@${sequence} ${id.slice(0, 7)}`);
  const kind = operation === "commit" ? "" : ` ${terminal.paint("cyan", operation)}`;
  return `${label} ${time}${kind} ${printable(title)} (${countText(changes.length, "path")})\n`;
}

/**
 * The commands that made what a checkpoint changed, one a line; empty when none did.
 *
 * @param withPaths whether what each was the last to touch stands below it.
 */
export function commandLines(
  { manifest }: Checkpoint,
  terminal: Terminal,
  withPaths = false,
): string {
  const { commands = [], changes, operation } = manifest;
  const lines = commands.map(({ words, paths, exitCode }) => {
    const failed = exitCode === 0 ? "" : `exit ${exitCode}, `;
    const how = `(${failed}${countText(paths.length, "path")})`;
    const line = `    by ${wordsText(words)} ${terminal.paint("dim", how)}\n`;
    return line + (withPaths ? indented(changesAt(changes, new Set(paths)), terminal) : "");
  });
  // Undo and its like are no work of anybody's but draftfs.
  if (!withPaths || operation !== "commit") return lines.join("");
  const made = new Set(commands.flatMap(({ paths }) => paths));
  const others = changes.filter(({ path }) => !made.has(path));
  if (others.length > 0) lines.push(`    by no command\n${indented(others, terminal)}`);
  return lines.join("");
}

function changesAt(changes: readonly RecordedChange[], paths: ReadonlySet<string>) {
  return changes.filter(({ path }) => paths.has(path));
}

function indented(changes: readonly RecordedChange[], terminal: Terminal): string {
  return changes.map((change) => `    ${recordedLine(change, terminal)}`).join("");
}

/** Letters of a script that are shown where a line has to stand for it. */
const scriptLettersMax = 60;

/** A command on one line; of a script of several lines only the beginning. */
export function wordsText(words: readonly string[]): string {
  const text = words.join(" ");
  const lines = text.trim().split("\n").length;
  if (lines === 1) return printable(text);
  const start = text.replace(/\s*\n\s*/g, " ").slice(0, scriptLettersMax);
  return `${printable(start)}… (${lines} lines)`;
}

/** What a checkpoint changed, one path a line. */
export function recordedLines(changes: readonly RecordedChange[], terminal: Terminal): string {
  return changes.map((change) => recordedLine(change, terminal)).join("");
}

function recordedLine(change: RecordedChange, terminal: Terminal): string {
  const words = { create: "added", modify: "modified", delete: "deleted", rename: "renamed" };
  const style = { create: "green", modify: "yellow", delete: "red", rename: "cyan" } as const;
  const label = terminal.paint(style[change.kind], words[change.kind].padEnd(9));
  const from = change.kind === "rename" ? `${printable(change.from)} → ` : "";
  return `  ${label} ${from}${printable(change.path || ".")}\n`;
}

/** A checkpoint as plain data. */
export function checkpointDocument({ id, previous, manifest }: Checkpoint): object {
  return { id, previous: previous ?? null, ...manifest };
}
