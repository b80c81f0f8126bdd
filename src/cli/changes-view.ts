import type { Change } from "../commit/change-set.ts";
import { bytesText, countText } from "./quantities.ts";
import { printable, type Terminal } from "./terminal.ts";

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

/**
 * The changes, with those that only add or modify gathered by directory when they are many. What is
 * deleted, renamed or replaced by another kind of node is always shown one by one: nobody should
 * have to guess what a commit takes away.
 *
 * @param linesMax - gathers when there would be more lines than this.
 */
export function summaryLines(
  shown: readonly ShownChange[],
  terminal: Terminal,
  linesMax: number,
): string {
  const gentle = shown.filter(({ change }) => !takesAway(change));
  const harsh = shown.filter(({ change }) => takesAway(change));
  const gathered =
    gentle.length > linesMax
      ? gatherByDirectory(gentle, linesMax).map((group) => groupLine(group, terminal))
      : gentle.map((one) => changeLine(one, terminal));
  return [...gathered, ...harsh.map((one) => changeLine(one, terminal))].join("");
}

/** `3 modified, 1 deleted; +10 −2 lines, 1.2 KiB to write`. */
export function totalsText(totals: ChangeTotals): string {
  const kinds = (["added", "modified", "deleted", "renamed"] as const)
    .filter((kind) => totals[kind] > 0)
    .map((kind) => `${totals[kind].toLocaleString("en-US")} ${kind}`);
  const { insertions, deletions, bytes } = totals;
  const [plus, minus] = [insertions, deletions].map((count) => count.toLocaleString("en-US"));
  const lines = `+${plus} −${minus} lines`;
  return `${kinds.join(", ")}; ${lines}, ${bytesText(bytes)} to write`;
}

function takesAway(change: Change): boolean {
  if (change.kind === "delete" || change.kind === "rename") return true;
  return change.kind === "modify" && change.aspects.includes("type");
}

function changeLine({ change, lines }: ShownChange, terminal: Terminal): string {
  const word = wordOf(change);
  const style = { A: "green", M: "yellow", T: "yellow", D: "red", R: "cyan" } as const;
  const label = terminal.paint(style[letterOf(change)], word.padEnd(9));
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

function wordOf(change: Change): string {
  const words = { create: "added", modify: "modified", delete: "deleted", rename: "renamed" };
  return words[change.kind];
}

function letterOf(change: Change): "A" | "M" | "T" | "D" | "R" {
  if (change.kind === "modify" && change.aspects.includes("type")) return "T";
  return ({ create: "A", modify: "M", delete: "D", rename: "R" } as const)[change.kind];
}

/** The old path, when there is another one, and the path; directories end in a slash. */
function pathsOf(change: Change): string[] {
  const end = isDirectory(change) ? "/" : "";
  const path = change.path + end;
  return change.kind === "rename" ? [change.from + end, path] : [path];
}

function isDirectory(change: Change): boolean {
  const node = change.kind === "delete" ? change.before.state : change.after.state;
  return node.kind === "directory";
}

/** As JSON where a name holds what would break a line or a column. */
function quoted(path: string): string {
  return printable(path) === path && !path.startsWith('"') ? path : JSON.stringify(path);
}

interface Group {
  readonly directory: string;
  readonly changes: readonly ShownChange[];
}

/** Directories as deep as the number of lines allows, each with all changes below it. */
function gatherByDirectory(shown: readonly ShownChange[], linesMax: number): Group[] {
  let groups = groupsAtDepth(shown, 1);
  for (let depth = 2; depth < 64; depth++) {
    const deeper = groupsAtDepth(shown, depth);
    if (deeper.length > linesMax) break;
    if (deeper.length === groups.length) break;
    groups = deeper;
  }
  return groups;
}

function groupsAtDepth(shown: readonly ShownChange[], depth: number): Group[] {
  const groups = new Map<string, ShownChange[]>();
  for (const one of shown) {
    const parts = one.change.path.split("/");
    const deep = parts.length > depth || isDirectory(one.change);
    const directory = deep ? `${parts.slice(0, depth).join("/")}/` : one.change.path;
    const group = groups.get(directory);
    if (group === undefined) groups.set(directory, [one]);
    else group.push(one);
  }
  return [...groups].map(([directory, changes]) => ({ directory, changes }));
}

function groupLine({ directory, changes }: Group, terminal: Terminal): string {
  const [only] = changes;
  if (changes.length === 1 && only !== undefined) return changeLine(only, terminal);
  const added = changes.filter(({ change }) => change.kind === "create").length;
  const style = added === changes.length ? "green" : "yellow";
  const word = added === changes.length ? "added" : added === 0 ? "modified" : "changed";
  const label = terminal.paint(style, word.padEnd(9));
  const bytes = changes.reduce((sum, { change }) => sum + sizeOf(change), 0);
  const what = `${countText(changes.length, "path")}, ${bytesText(bytes)}`;
  return `  ${label} ${printable(directory)}  ${what}\n`;
}

function sizeOf(change: Change): number {
  if (change.kind === "delete") return 0;
  return change.after.state.kind === "file" ? change.after.state.size : 0;
}
