import { isInRepository } from "../../commit/patch/git-names.ts";
import type { Change } from "../../index.ts";
import { printable, type Terminal } from "../terminal.ts";
import { changeLine, isDirectory, kindsText, type ShownChange, wordOf } from "./changes-view.ts";
import { bytesText, countText } from "./quantities.ts";

/** Most lines for what is added or modified, and for what is taken away. */
const linesMax = 30;
/** Most lines for what git keeps for itself. */
const repositoryLinesMax = 3;

/**
 * The changes for people who shall decide about them, gathered where they are many: what is added
 * or modified by directory; what is deleted only where a whole directory is, for nobody should have
 * to guess what a commit takes away; the insides of a git repository always, where a commit changes
 * a dozen files that nobody knows by name. Renames, and changes of kind, have a line each.
 */
export function summaryLines(shown: readonly ShownChange[], terminal: Terminal): string {
  const isOfRepository = ({ change }: ShownChange) => repositoryOf(change) !== undefined;
  const gentle = shown.filter((one) => !isOfRepository(one) && !takesAway(one.change));
  const harsh = shown.filter((one) => !isOfRepository(one) && takesAway(one.change));
  const groups = [
    ...(gentle.length > linesMax ? gatherByDirectory(gentle) : gentle.map(alone)),
    ...(harsh.length > linesMax ? gatherByDeletion(harsh) : harsh.map(alone)),
    ...gatherByRepository(shown.filter(isOfRepository)),
  ];
  return groups.map((group) => groupLine(group, terminal)).join("");
}

function takesAway(change: Change): boolean {
  if (change.kind === "delete" || change.kind === "rename") return true;
  return change.kind === "modify" && change.aspects.includes("type");
}

interface Group {
  /** Of a directory, with a slash at its end. */
  readonly name: string;
  readonly changes: readonly ShownChange[];
}

function alone(one: ShownChange): Group {
  return { name: one.change.path, changes: [one] };
}

function gather(
  shown: readonly ShownChange[],
  nameOf: (change: Change) => string | undefined,
): Group[] {
  const groups = new Map<string, ShownChange[]>();
  for (const one of shown) {
    const name = nameOf(one.change) ?? one.change.path;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups].map(([name, changes]) => ({ name, changes }));
}

/** Directories as deep as the number of lines allows, each with all changes below it. */
function gatherByDirectory(shown: readonly ShownChange[]): Group[] {
  let groups = gatherAtDepth(shown, 1);
  for (let depth = 2; depth < 64; depth++) {
    const deeper = gatherAtDepth(shown, depth);
    if (deeper.length > linesMax) break;
    if (deeper.length === groups.length) break;
    groups = deeper;
  }
  return groups;
}

function gatherAtDepth(shown: readonly ShownChange[], depth: number): Group[] {
  return gather(shown, (change) => {
    const parts = change.path.split("/");
    const isDeep = parts.length > depth || isDirectory(change);
    return isDeep ? `${parts.slice(0, depth).join("/")}/` : undefined;
  });
}

/** What is deleted with a directory counts as that directory. */
function gatherByDeletion(shown: readonly ShownChange[]): Group[] {
  const deleted = new Set<string>();
  for (const { change } of shown) {
    if (change.kind === "delete" && isDirectory(change)) deleted.add(`${change.path}/`);
  }
  return gather(shown, (change) => {
    if (change.kind !== "delete") return undefined;
    const parts = `${change.path}${isDirectory(change) ? "/" : ""}`.split("/");
    return parts
      .slice(0, -1)
      .map((_, index) => `${parts.slice(0, index + 1).join("/")}/`)
      .find((name) => deleted.has(name));
  });
}

function gatherByRepository(shown: readonly ShownChange[]): Group[] {
  const groups = gather(shown, repositoryOf);
  return groups.flatMap((group) =>
    group.changes.length > repositoryLinesMax ? [group] : group.changes.map(alone),
  );
}

/** The `.git/` that all of a change lies in. */
function repositoryOf(change: Change): string | undefined {
  const parts = change.path.split("/");
  const index = parts.findIndex((part) => isInRepository(part));
  if (index < 0) return undefined;
  const name = `${parts.slice(0, index + 1).join("/")}/`;
  // A file of that name (of a submodule, of a worktree) is one of the project's.
  if (index === parts.length - 1 && !isDirectory(change)) return undefined;
  return change.kind === "rename" && !change.from.startsWith(name) ? undefined : name;
}

function groupLine({ name, changes }: Group, terminal: Terminal): string {
  const [only] = changes;
  if (changes.length === 1 && only !== undefined) return changeLine(only, terminal);
  const counts = { added: 0, modified: 0, deleted: 0, renamed: 0 };
  let bytes = 0;
  for (const { change } of changes) {
    counts[wordOf(change)] += 1;
    bytes += sizeOf(change);
  }
  const kinds = kindsText(counts);
  const word = (["added", "modified", "deleted"] as const).find(
    (one) => counts[one] === changes.length,
  );
  const style = word === "added" ? "green" : word === "deleted" ? "red" : "yellow";
  const label = terminal.paint(style, (word ?? "changed").padEnd(9));
  const what = `${countText(changes.length, "path")}${word === undefined ? ` (${kinds})` : ""}`;
  return `  ${label} ${printable(name)}  ${what}, ${bytesText(bytes)}\n`;
}

function sizeOf(change: Change): number {
  const { state } = change.kind === "delete" ? change.before : change.after;
  return state.kind === "file" ? state.size : 0;
}
