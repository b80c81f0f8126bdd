import { join, resolve } from "node:path";
import type { Disk } from "../../disk/disk.ts";
import { NodeDisk } from "../../disk/node/node-disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../../disk/state/state-directory.ts";
import { diskOf } from "../../disk/state/state-disk.ts";
import { MIB } from "../../limits.ts";
import { attemptEvolution } from "./evolve-template.ts";
import { matchTemplate } from "./match-template.ts";
import {
  compileTemplate,
  type Renderer,
  type Template,
  type TemplateData,
  templateIdOf,
} from "./template.ts";
import { isTemplate } from "./template-shape.ts";
import { TokenizedText } from "./template-tokens.ts";

interface Entry {
  readonly template: Template;
  readonly bytes: number;
  render: Renderer | undefined;
}

/** Templates kept by one cache; the one that was not used for longest makes room. */
const templatesMax = 64;
/** All kept templates together, as JSON. */
const cacheBytesMax = 8 * MIB;

/** Templates that a text is aligned with: each time takes as long as a hundred matches. */
const evolvedMax = 4;

const fileName = "templates.json";

/** Compiled templates, bounded, least recently used first to go; can outlive the process. */
export class TemplateCache {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** How many templates it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes a template in; returns its id. A template too large for the cache is not kept. */
  add(template: Template): string {
    const id = templateIdOf(template);
    const known = this.#entries.get(id);
    const bytes = known?.bytes ?? Buffer.byteLength(JSON.stringify(template));
    if (bytes > cacheBytesMax) return id;
    this.#drop(id);
    this.#entries.set(id, known ?? { template, bytes, render: undefined });
    this.#bytes += bytes;
    while (this.#entries.size > templatesMax || this.#bytes > cacheBytesMax) {
      this.#drop(this.#entries.keys().next().value ?? id);
    }
    return id;
  }

  /** Puts a generalised template in the place of the one that it came from. */
  replace(id: string, template: Template): string {
    this.#drop(id);
    return this.add(template);
  }

  find(id: string): Template | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#touch(id, entry);
    return entry?.template;
  }

  /** The compiled template of an id, `undefined` when it is not kept. */
  findRenderer(id: string): Renderer | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#touch(id, entry);
    entry.render ??= compileTemplate(entry.template);
    return entry.render;
  }

  /** The first template that gives `text`, the most recently used ones first. */
  findMatch(text: string): { readonly id: string; readonly data: TemplateData } | undefined {
    for (const [id, { template }] of [...this.#entries].reverse()) {
      const data = matchTemplate(template, text);
      if (data !== undefined) return { id, data };
    }
    return undefined;
  }

  /**
   * Whether `text` follows a template that is kept. One of the most recently used that it almost
   * follows is generalised by it, and then gives it.
   */
  follow(text: string): boolean {
    const match = this.findMatch(text);
    if (match !== undefined) {
      this.find(match.id);
      return true;
    }
    const instance = new TokenizedText(text);
    for (const [id, { template }] of [...this.#entries].slice(-evolvedMax).reverse()) {
      const attempt = attemptEvolution(template, instance);
      if (attempt.kind === "unlike") continue;
      this.replace(id, attempt.template);
      return true;
    }
    return false;
  }

  /**
   * Writes the cache to the state directory of a root, which is made where it is missing; replaces
   * what was there.
   */
  save(root: string, given?: Disk): void {
    const state = stateDirectoryOf(resolve(root));
    const disk = given ?? diskOf(state);
    ensureStateDirectory(disk, state);
    const templates = [...this.#entries.values()].map(({ template }) => template);
    const path = join(state.path, fileName);
    const descriptor = disk.open(`${path}.new`, openFlags.createOrTruncate, 0o600);
    try {
      disk.write(descriptor, Buffer.from(JSON.stringify({ version: 1, templates })));
    } finally {
      disk.close(descriptor);
    }
    disk.rename(`${path}.new`, path);
  }

  /** Takes in what {@link save} wrote. What cannot be read is derived data, and is left out. */
  load(root: string, disk: Disk = new NodeDisk()): void {
    const path = join(stateDirectoryOf(resolve(root)).path, fileName);
    if (disk.lstat(path)?.kind !== "file") return;
    for (const template of templatesIn(disk.readFile(path).toString("utf8"))) this.add(template);
  }

  #touch(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  #drop(id: string): void {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
  }
}

function templatesIn(text: string): Template[] {
  try {
    const stored = JSON.parse(text) as { readonly templates?: unknown };
    return Array.isArray(stored.templates) ? stored.templates.filter(isTemplate) : [];
  } catch {
    return [];
  }
}
