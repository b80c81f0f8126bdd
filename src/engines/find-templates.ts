import { join } from "node:path";
import { stateDirectoryName } from "../disk/state-directory.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { KIB } from "../limits.ts";
import { clusterTexts } from "./cluster-texts.ts";
import { extractTemplate } from "./extract-template.ts";
import { matchTemplate } from "./match-template.ts";
import { absolutePathOf, shownPathOf } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import type { Template, TemplateData } from "./template.ts";
import { isText, textEncodingOf } from "./text-encoding.ts";

/** A text with the path it belongs to. */
export interface NamedText {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A template found among texts, and the texts that it gives. */
export interface FoundTemplate {
  readonly template: Template;
  readonly instances: readonly { readonly path: string; readonly data: TemplateData }[];
}

/** How to search a tree. */
export interface FindTemplatesOptions {
  /** Looked at before every file. */
  readonly signal?: AbortSignal;
  /** Called after every file that was read, with how many there were. */
  readonly onProgress?: (files: number) => void;
}

/** Examples that a template is drawn from: enough to tell what varies, few enough to be quick. */
const examplesMax = 6;
/** Longer texts are no examples: to align them would take longer than all the rest. */
const exampleCharactersMax = 16 * KIB;
const leftOut: ReadonlySet<string> = new Set([".git", stateDirectoryName]);

/**
 * Finds templates among texts, such as those of a directory or of pending writes: clusters them,
 * draws a template from a sample of each cluster, and keeps it where at least `instancesMin` texts
 * fit. Content that is not UTF-8, and groups of texts of more than 16 KiB, are left out.
 */
export function findTemplates(texts: readonly NamedText[], instancesMin = 3): FoundTemplate[] {
  const readable = texts.filter(({ bytes }) => {
    return textEncodingOf(bytes) === "utf-8" && isText(bytes);
  });
  const contents = readable.map(({ bytes }) => Buffer.from(bytes).toString("utf8"));
  return clusterTexts(contents, instancesMin).flatMap((cluster): FoundTemplate[] => {
    const template = templateOf(cluster.map((index) => contents[index] ?? ""));
    if (template === undefined) return [];
    const instances = cluster.flatMap((index) => {
      const data = matchTemplate(template, contents[index] ?? "");
      return data === undefined ? [] : [{ path: readable[index]?.path ?? "", data }];
    });
    return instances.length >= instancesMin ? [{ template, instances }] : [];
  });
}

/**
 * Finds templates among the files below a directory of an overlay, pending ones included. Links,
 * `.git`, the state directory and files of more than 16 KiB are left out.
 *
 * @param directory absolute, or relative to the root.
 * @throws {DraftError} `DRAFT_ABORTED` on the signal.
 */
export function findTemplatesIn(
  overlay: EngineOverlay,
  directory = ".",
  instancesMin = 3,
  options: FindTemplatesOptions = {},
): FoundTemplate[] {
  const texts: NamedText[] = [];
  const waiting = [absolutePathOf(overlay, directory)];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const entries = overlay.fs.readdirSync(place, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(place, entry.name);
      if (entry.isDirectory() && !leftOut.has(entry.name)) waiting.push(path);
      stopIfAborted(options.signal, directory);
      if (!entry.isFile() || overlay.fs.lstatSync(path).size > exampleCharactersMax) continue;
      texts.push({ path: shownPathOf(overlay, path), bytes: overlay.fs.readFileSync(path) });
      options.onProgress?.(texts.length);
    }
  }
  return findTemplates(texts, instancesMin);
}

function stopIfAborted(signal: AbortSignal | undefined, directory: string): void {
  if (!signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", `The search for templates in ${directory} was stopped.`, {
    path: directory,
    cause: signal.reason,
  });
}

function templateOf(texts: readonly string[]): Template | undefined {
  const examples = texts.filter(({ length }) => length <= exampleCharactersMax);
  const step = Math.max(1, Math.floor(examples.length / examplesMax));
  const sample = examples.filter((_text, index) => index % step === 0).slice(0, examplesMax);
  try {
    return extractTemplate(sample).template;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_TEMPLATE") return undefined;
    throw error;
  }
}
