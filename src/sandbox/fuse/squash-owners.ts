import type { NodeMeta } from "../../overlay/pending/pending.ts";
import type { FuseBackend } from "./backend.ts";
import type { Attributes } from "./protocol.ts";

/**
 * Shows every node as the mounting user's own. In a user namespace that maps one user, all others
 * appear as `nobody`, and the kernel refuses to change what belongs to them.
 */
export function squashOwners(backend: FuseBackend): FuseBackend {
  const own = (attributes: Attributes): Attributes => ({ ...attributes, uid: 0, gid: 0 });
  return {
    ...backend,
    stat: (path) => own(backend.stat(path)),
    find: (path) => {
      const found = backend.find(path);
      return found === undefined ? undefined : own(found);
    },
    statDescriptor: (descriptor) => own(backend.statDescriptor(descriptor)),
    // Giving a node to the only user there is changes nothing.
    lchown: () => {},
  };
}

/** Whether a node belongs to the user himself, as whose every one is shown. */
export function isOwnUser({ uid, gid }: Pick<NodeMeta, "uid" | "gid">): boolean {
  return uid === process.geteuid?.() && gid === process.getegid?.();
}
