import { constants } from "node:os";
import type { FuseBackend } from "./backend.ts";

/** Refuses to show what lies in files, links and directories that `isDenied` names. */
export function denyReading(
  backend: FuseBackend,
  isDenied: (path: string) => boolean,
): FuseBackend {
  const guarded = <Result>(path: string, read: () => Result): Result => {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      if (isDenied(at)) throw refusal(path);
    }
    return read();
  };
  return {
    ...backend,
    list: (path) => guarded(path, () => backend.list(path)),
    readlink: (path) => guarded(path, () => backend.readlink(path)),
    open: (path, writable) => guarded(path, () => backend.open(path, writable)),
    link: (source, target) => guarded(source, () => backend.link(source, target)),
    // Under another name it would not be denied any more.
    rename: (source, target) => guarded(source, () => backend.rename(source, target)),
  };
}

function refusal(path: string): Error {
  return Object.assign(new Error(`EACCES: reading is denied, '${path}'`), {
    code: "EACCES",
    errno: -constants.errno.EACCES,
  });
}
