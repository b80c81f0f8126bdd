import { KIB } from "../../limits.ts";
import type { Operation, WriteOperation } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { findTemplates } from "../template/find-templates.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import { decodeText, isText } from "../text-encoding.ts";

/**
 * Larger files, and more than so much together, are not searched for templates: aligning them would
 * take longer than writing them.
 */
const templateFileBytesMax = 2 * KIB;
const templateBytesMax = 16 * KIB;

/** Paths of writes that follow a template: one that is known already, or one found among them. */
export interface Templated {
  readonly known: ReadonlySet<string>;
  readonly found: ReadonlySet<string>;
}

const nothingTemplated: Templated = { known: new Set(), found: new Set() };

/**
 * Looks for writes whose content follows a template of the cache, or one that almost does and is
 * generalised by it; and among the rest for templates that enough of them have in common.
 */
export function templatedPaths(
  operations: readonly Operation[],
  settings: OptimizerSettings,
  templates: TemplateCache | undefined,
): Templated {
  if (templates === undefined || !settings.profile.templates) return nothingTemplated;
  const writes = searchedAmong(operations);
  if (writes.length === 0) return nothingTemplated;
  const known = new Set<string>();
  const found = new Set<string>();
  const rest = writes.filter((write) => {
    if (templates.size === 0 || !isText(write.bytes)) return true;
    if (!templates.follow(decodeText(write.bytes, "utf-8"))) return true;
    known.add(write.path);
    return false;
  });
  if (rest.length < settings.operationsForBatchMin) return { known, found };
  for (const { template, instances } of findTemplates(rest, settings.operationsForBatchMin)) {
    templates.add(template);
    for (const { path } of instances) found.add(path);
  }
  return { known, found };
}

/** The writes that are searched: none where that are too many bytes. */
function searchedAmong(operations: readonly Operation[]): WriteOperation[] {
  const writes: WriteOperation[] = [];
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind !== "write" || operation.bytes.length > templateFileBytesMax) continue;
    bytes += operation.bytes.length;
    if (bytes > templateBytesMax) return [];
    writes.push(operation);
  }
  return writes;
}
