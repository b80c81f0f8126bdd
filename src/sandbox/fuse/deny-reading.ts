import { constants } from "node:os";
import { childOf } from "../../disk/tree-path.ts";
import type { FuseBackend } from "./backend.ts";
import { directoryType, fileTypeMask } from "./protocol.ts";

/** What is denied, and whether the caller of the moment is draftfs itself. */
export interface Denial {
  readonly isDenied: (path: string) => boolean;
  readonly isOwner: () => boolean;
}

/**
 * Refuses to show what lies in files, links and directories that `isDenied` names, and to give one
 * of them a name that it does not know. Only draftfs takes them away, when the overlay has.
 */
export function denyReading(backend: FuseBackend, { isDenied, isOwner }: Denial): FuseBackend {
  const guarded = <Result>(path: string, read: () => Result): Result => {
    if (isDenied(path)) throw refusal(path);
    return read();
  };
  /** Whether something denied below a directory would not be when it is called otherwise. */
  const reveals = (source: string, target: string): boolean => {
    if ((backend.stat(source).mode & fileTypeMask) !== directoryType) return false;
    return backend.list(source).some(({ name }) => {
      const from = childOf(source, name);
      const to = childOf(target, name);
      return isDenied(from) ? !isDenied(to) : reveals(from, to);
    });
  };
  const kept = (path: string, remove: () => void): void => {
    if (isDenied(path) && !isOwner()) throw refusal(path);
    remove();
  };
  return {
    ...backend,
    unlink: (path) => kept(path, () => backend.unlink(path)),
    rmdir: (path) => kept(path, () => backend.rmdir(path)),
    list: (path) => (isOwner() ? backend.list(path) : guarded(path, () => backend.list(path))),
    readlink: (path) => guarded(path, () => backend.readlink(path)),
    open: (path, writable) => guarded(path, () => backend.open(path, writable)),
    makeSpecial: (path, mode, kind) => guarded(path, () => backend.makeSpecial(path, mode, kind)),
    create: (path, mode, exclusive) => guarded(path, () => backend.create(path, mode, exclusive)),
    link: (source, target) => guarded(source, () => backend.link(source, target)),
    rename: (source, target) =>
      guarded(source, () => {
        // Under another name it would not be denied any more.
        if (isDenied(target) || reveals(source, target)) throw refusal(source);
        backend.rename(source, target);
      }),
  };
}

function refusal(path: string): Error {
  return Object.assign(new Error(`EACCES: reading is denied, '${path}'`), {
    code: "EACCES",
    errno: -constants.errno.EACCES,
  });
}
