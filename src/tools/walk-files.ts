import { setImmediate } from "node:timers/promises";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { childOf, treePathOf } from "../disk/tree-path.ts";
import { codeOf, findNode } from "../engines/overlay-path.ts";
import type { EngineEntry } from "../engines/overlay-port.ts";
import { IgnoreRules } from "./ignore-rules.ts";
import { aborted, type ToolContext } from "./tool.ts";

/** A file that a walk came by. */
export interface WalkedFile {
  readonly absolute: string;
  /** Relative to where the walk began. */
  readonly relative: string;
  readonly isLink: boolean;
}

interface RulesHere {
  /** Directory that the rules lie in, as an absolute path. */
  readonly directory: string;
  readonly rules: IgnoreRules;
}

/** After so many names other work gets a turn. */
const namesPerTurn = 512;
const hidden: ReadonlySet<string> = new Set([".git", stateDirectoryName]);

/**
 * Walks the files below `start` without following links: those of a directory first, in order of
 * their names, then those of the directories in it. `.git` and the state directory are left out;
 * what `.gitignore` files name too, unless `ignored` asks for it.
 *
 * @param options.skipped takes the directories that may not be read; `start` itself is an error.
 */
export async function* walkFiles(
  context: ToolContext,
  start: string,
  options: { readonly ignored?: boolean; readonly skipped?: string[] } = {},
): AsyncGenerator<WalkedFile> {
  const stack: { directory: string; relative: string; rules: readonly RulesHere[] }[] = [
    { directory: start, relative: "", rules: options.ignored ? [] : rulesAbove(context, start) },
  ];
  let names = 0;
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { directory, relative } = place;
    const below: typeof stack = [];
    const read = () => sortedEntries(context, directory);
    const entries =
      directory === start ? read() : unlessUnreadable(directory, options.skipped, read);
    if (entries === undefined) continue;
    const rules = options.ignored ? [] : withRulesOf(context, directory, place.rules);
    for (const entry of entries) {
      names += 1;
      if (names % namesPerTurn === 0) await turn(context);
      const absolute = `${directory === "/" ? "" : directory}/${entry.name}`;
      if (hidden.has(entry.name) || isIgnored(rules, absolute, entry.isDirectory())) continue;
      const path = childOf(relative, entry.name);
      if (entry.isDirectory()) below.push({ directory: absolute, relative: path, rules });
      else if (entry.isFile() || entry.isSymbolicLink()) {
        yield { absolute, relative: path, isLink: entry.isSymbolicLink() };
      }
    }
    stack.push(...below.reverse());
  }
}

/**
 * What `read` returns; where that is not permitted, notes the path as skipped. What another program
 * has removed meanwhile is left out, and only what Node cannot name is noted.
 */
export function unlessUnreadable<T>(
  path: string,
  skipped: string[] | undefined,
  read: () => T,
): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = codeOf(error);
    if (skipped !== undefined && isAbsence(code)) noteUnnamed(path, skipped);
    else if (skipped !== undefined && isRefusal(code)) skipped.push(path);
    else throw error;
    return undefined;
  }
}

const isAbsence = (code: string | undefined) => code === "ENOENT" || code === "ENOTDIR";
const isRefusal = (code: string | undefined) => code === "EACCES" || code === "EPERM";

/** Node gives U+FFFD for bytes of a name that are no UTF-8, and finds nothing by that. */
export function noteUnnamed(path: string, skipped: string[]): void {
  if (path.includes("\ufffd")) skipped.push(path);
}

/** Lets other work have its turn, and stops when the caller has given up. */
export async function turn({ signal }: ToolContext): Promise<void> {
  await setImmediate();
  if (signal?.aborted === true) throw aborted("The search", signal);
}

function sortedEntries(context: ToolContext, directory: string): EngineEntry[] {
  const entries = context.overlay.fs.readdirSync(directory, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function rulesAbove(context: ToolContext, start: string): RulesHere[] {
  const { root } = context.overlay;
  const inside = treePathOf(root, start);
  if (inside === undefined || inside === "") return [];
  const parents = inside.split("/").slice(0, -1);
  let rules = withRulesOf(context, root, []);
  let directory = root;
  for (const name of parents) {
    directory = `${directory}/${name}`;
    rules = withRulesOf(context, directory, rules);
  }
  return rules;
}

function withRulesOf(
  context: ToolContext,
  directory: string,
  above: readonly RulesHere[],
): RulesHere[] {
  const path = `${directory}/.gitignore`;
  // As git does: a link, or a directory of that name, has no rules.
  if (findNode(context.overlay, path)?.isFile() !== true) return [...above];
  const bytes = unlessUnreadable(path, [], () => context.overlay.fs.readFileSync(path));
  if (bytes === undefined) return [...above];
  return [...above, { directory, rules: new IgnoreRules(bytes.toString("utf8")) }];
}

/** The nearest file that says something decides. */
function isIgnored(rules: readonly RulesHere[], absolute: string, isDirectory: boolean): boolean {
  for (const { directory, rules: own } of rules.toReversed()) {
    const path = absolute.slice(directory === "/" ? 1 : directory.length + 1);
    const verdict = own.verdict(path, isDirectory);
    if (verdict !== undefined) return verdict === "ignored";
  }
  return false;
}
