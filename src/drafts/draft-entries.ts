import type { Content, Pending } from "../overlay/pending/pending.ts";
import type { DraftEntry, StoredContent } from "./draft-index.ts";

/**
 * The entries of what is pending. Hard links become one content with a number of their own.
 *
 * @param store - puts the bytes of a content that is not the lower's own into the draft.
 */
export function entriesOf(
  pending: readonly Pending[],
  store: (content: Content) => StoredContent,
): DraftEntry[] {
  const links = new Map<bigint, { readonly link: number; readonly content: StoredContent }>();
  const contentOf = (content: Content): StoredContent => {
    const { lower } = content;
    if (lower !== undefined) return { kind: "lower", node: lower };
    try {
      return store(content);
    } catch (error) {
      // Lost just now: the draft keeps where it was, and all the rest.
      if (content.lower === undefined) throw error;
      return { kind: "lower", node: content.lower };
    }
  };
  const entryOf = (entry: Pending): DraftEntry => {
    const { kind, path, base } = entry;
    if (kind === "whiteout") return { kind, path, base };
    const { meta, origin, timesSet } = entry;
    const node = { path, base, origin, meta, timesSet };
    switch (kind) {
      case "file": {
        if (entry.nlink < 2) {
          return { kind, ...node, link: undefined, content: contentOf(entry.content) };
        }
        const known = links.get(entry.ino);
        const shared = known ?? { link: links.size + 1, content: contentOf(entry.content) };
        links.set(entry.ino, shared);
        return { kind, ...node, ...shared };
      }
      case "directory":
        return { kind, ...node, opaque: entry.opaque, redirect: entry.redirect };
      case "symlink":
        return { kind, ...node, target: entry.target };
      case "other":
        return { kind, ...node };
    }
  };
  return pending.map(entryOf);
}

/** Names of the content files that entries refer to. */
export function filesOf(entries: readonly DraftEntry[]): Set<string> {
  const files = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === "file" && entry.content.kind === "stored") files.add(entry.content.file);
  }
  return files;
}
