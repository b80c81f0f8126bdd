import type { ComparedFile } from "../../index.ts";
import { printable, type Terminal } from "../terminal.ts";
import { countText } from "./quantities.ts";

/** Files and lines of a comparison in all. */
export interface ComparedTotals {
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
}

/** Sums over the files of a comparison. */
export function comparedTotals(files: readonly ComparedFile[]): ComparedTotals {
  const sum = (key: "insertions" | "deletions"): number =>
    files.reduce((total, { lines }) => total + (lines?.[key] ?? 0), 0);
  return { files: files.length, insertions: sum("insertions"), deletions: sum("deletions") };
}

/** The files of a comparison with their lines, and a line of totals. */
export function comparedLines(files: readonly ComparedFile[], terminal: Terminal): string {
  if (files.length === 0) return "";
  const { insertions, deletions } = comparedTotals(files);
  const totals = ` ${countText(files.length, "file")}; +${insertions} −${deletions} lines\n`;
  return files.map((file) => comparedLine(file, terminal)).join("") + totals;
}

function comparedLine(file: ComparedFile, terminal: Terminal): string {
  const { path, from, kind, lines } = file;
  const isMoved = from !== null && from !== path;
  const words = { create: "added", modify: isMoved ? "renamed" : "modified", delete: "deleted" };
  const style = { create: "green", modify: isMoved ? "cyan" : "yellow", delete: "red" } as const;
  const label = terminal.paint(style[kind], words[kind].padEnd(9));
  const names = isMoved ? `${printable(from)} → ${printable(path)}` : printable(path);
  const counts = [
    lines !== null && lines.insertions > 0 ? terminal.paint("green", `+${lines.insertions}`) : "",
    lines !== null && lines.deletions > 0 ? terminal.paint("red", `−${lines.deletions}`) : "",
  ].filter((text) => text !== "");
  return `  ${[`${label} ${names}`, ...counts].join("  ")}\n`;
}
