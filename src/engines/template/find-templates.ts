import { join } from "node:path";
import { checkOptions } from "../../check-options.ts";
import { stateDirectoryName } from "../../disk/state/state-directory.ts";
import { DraftError } from "../../errors.ts";
import { checkOverlay } from "../check-input.ts";
import { findTemplatesNames } from "../option-names.ts";
import { absolutePathOf, shownPathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { isText, textEncodingOf } from "../text-encoding.ts";
import { clusterTexts } from "./cluster-texts.ts";
import { drawTemplates, exampleCharactersMax } from "./draw-templates.ts";
import type { Template, TemplateData } from "./template.ts";

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

const leftOut: ReadonlySet<string> = new Set([".git", stateDirectoryName]);

/**
 * Finds templates among texts, such as those of a directory or of pending writes: clusters them,
 * draws templates from each cluster, and keeps those that at least `instancesMin` texts fit.
 * Content that is not UTF-8, and groups of texts of more than 16 KiB, are left out.
 */
export function findTemplates(texts: readonly NamedText[], instancesMin = 3): FoundTemplate[] {
  const readable = texts.filter(({ bytes }) => {
    return textEncodingOf(bytes) === "utf-8" && isText(bytes);
  });
  const contents = readable.map(({ bytes }) => Buffer.from(bytes).toString("utf8"));
  const drawn = clusterTexts(contents, instancesMin).flatMap((cluster) =>
    drawTemplates(contents, cluster, instancesMin),
  );
  return drawn.map(({ template, instances }): FoundTemplate => {
    const inOrder = instances.toSorted((a, b) => a.index - b.index);
    const pathOf = (index: number) => readable[index]?.path ?? "";
    return {
      template,
      instances: inOrder.map(({ index, data }) => ({ path: pathOf(index), data })),
    };
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
  checkOverlay("findTemplatesIn", overlay);
  checkOptions("findTemplatesIn", options, findTemplatesNames);
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
