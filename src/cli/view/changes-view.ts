import type { Change } from "../../commit/change-set/change-set.ts";
import { printable, type Terminal } from "../terminal.ts";
import { bytesText } from "./quantities.ts";

/** Lines that a change adds and removes; `undefined` for what has no lines (binary, directory). */
export interface LineCounts {
  readonly insertions: number;
  readonly deletions: number;
}

/** One change with what is shown of it. */
export interface ShownChange {
  readonly change: Change;
  readonly lines: LineCounts | undefined;
}

/** Totals of a list of changes. */
export interface ChangeTotals {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
  readonly renamed: number;
  readonly insertions: number;
  readonly deletions: number;
  /** Bytes of content that a commit would write. */
  readonly bytes: number;
}

/** One line a change: the letter that git uses, and the path. Stable, for programs. */
export function machineLines(changes: readonly Change[]): string {
  return changes
    .map((change) => `${[letterOf(change), ...pathsOf(change).map(quoted)].join("\t")}\n`)
    .join("");
}

/**
 * {@link machineLines} with lines added and removed as the second and third column, `-` for what
 * has none (binary, directory), as `git diff --numstat` has it.
 */
export function machineFigureLines(shown: readonly ShownChange[]): string {
  return shown
    .map(({ change, lines }) => {
      const figures = [lines?.insertions ?? "-", lines?.deletions ?? "-"];
      return `${[letterOf(change), ...figures, ...pathsOf(change).map(quoted)].join("\t")}\n`;
    })
    .join("");
}

/** Every change on a line of its own, in columns. */
export function changeLines(shown: readonly ShownChange[], terminal: Terminal): string {
  return shown.map((one) => changeLine(one, terminal)).join("");
}

/** `3 modified, 1 deleted; +10 −2 lines, 1.2 KiB to write`. */
export function totalsText(totals: ChangeTotals): string {
  const { insertions, deletions, bytes } = totals;
  const [plus, minus] = [insertions, deletions].map((count) => count.toLocaleString("en-US"));
  const lines = `+${plus} −${minus} lines`;
  return `${kindsText(totals)}; ${lines}, ${bytesText(bytes)} to write`;
}

/** One change on a line of its own. */
export function changeLine({ change, lines }: ShownChange, terminal: Terminal): string {
  const label = terminal.paint(styles[letterOf(change)], wordOf(change).padEnd(9));
  const path = pathsOf(change).map(printable).join(" → ");
  return `  ${label} ${path}${detailOf(change, lines, terminal)}\n`;
}

function detailOf(change: Change, lines: LineCounts | undefined, terminal: Terminal): string {
  const parts: string[] = [];
  if (lines !== undefined && lines.insertions > 0) {
    parts.push(terminal.paint("green", `+${lines.insertions}`));
  }
  if (lines !== undefined && lines.deletions > 0) {
    parts.push(terminal.paint("red", `−${lines.deletions}`));
  }
  const sized = change.kind === "delete" ? change.before.state : change.after.state;
  if (lines === undefined && sized.kind === "file" && touchesContent(change)) {
    parts.push(bytesText(sized.size));
  }
  if (change.kind === "modify")
    parts.push(...change.aspects.filter((one) => isTelling(one, change)));
  if (change.kind === "rename" && change.replaced !== undefined)
    parts.push("replaces what was there");
  return parts.length === 0 ? "" : `  ${parts.join(" ")}`;
}

/** That a file whose content is another has another time as well goes without saying. */
function isTelling(aspect: string, change: Change): boolean {
  return aspect !== "content" && (aspect !== "times" || !touchesContent(change));
}

function touchesContent(change: Change): boolean {
  return change.kind === "create" || change.kind === "delete" || change.aspects.includes("content");
}

/** `3 modified, 1 deleted`. */
export function kindsText(
  counts: Pick<ChangeTotals, "added" | "modified" | "deleted" | "renamed">,
): string {
  return (["added", "modified", "deleted", "renamed"] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind].toLocaleString("en-US")} ${kind}`)
    .join(", ");
}

/** What happened, in a word for people. */
export function wordOf(change: Change): "added" | "modified" | "deleted" | "renamed" {
  const words = {
    create: "added",
    modify: "modified",
    delete: "deleted",
    rename: "renamed",
  } as const;
  return words[change.kind];
}

const styles = { A: "green", M: "yellow", T: "yellow", D: "red", R: "cyan" } as const;

function letterOf(change: Change): "A" | "M" | "T" | "D" | "R" {
  if (change.kind === "modify" && change.aspects.includes("type")) return "T";
  return ({ create: "A", modify: "M", delete: "D", rename: "R" } as const)[change.kind];
}

/** The old path, when there is another one, and the path; directories end in a slash. */
function pathsOf(change: Change): string[] {
  const end = isDirectory(change) ? "/" : "";
  const path = (change.path || ".") + end;
  return change.kind === "rename" ? [change.from + end, path] : [path];
}

/** Whether it is about a directory, and be it one that was. */
export function isDirectory(change: Change): boolean {
  const node = change.kind === "delete" ? change.before.state : change.after.state;
  return node.kind === "directory";
}

/** As JSON where a name holds what would break a line or a column. */
function quoted(path: string): string {
  return printable(path) === path && !path.startsWith('"') ? path : JSON.stringify(path);
}
