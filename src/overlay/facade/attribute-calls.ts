import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { changeMode, changeOwner, changeTimes } from "../calls/attributes.ts";
import type { Core } from "../core.ts";
import { modeOf, type PathArgument, pathOf, timesOf } from "./arguments.ts";
import { attempt } from "./attempt.ts";

/** The functions that set mode, owner and times by path. */
export function attributeCalls(core: Core) {
  return {
    chmod(path: PathArgument, mode: unknown): void {
      const target = pathOf(path);
      const bits = requiredModeOf(mode);
      attempt("chmod", path, undefined, () => changeMode(core, target, bits));
    },
    lchmod(path: PathArgument, mode: unknown): void {
      const target = pathOf(path);
      const bits = requiredModeOf(mode);
      attempt("lchmod", path, undefined, () => changeMode(core, target, bits, false));
    },
    chown: ownerCall(core, "chown", true),
    lchown: ownerCall(core, "lchown", false),
    utimes: timesCall(core, "utime", true),
    lutimes: timesCall(core, "lutime", false),
  };
}

/** A mode that must be given. @throws `ERR_INVALID_ARG_TYPE` as Node. */
export function requiredModeOf(mode: unknown): number {
  if (mode === undefined || mode === null) {
    checkArguments((nowhere) => real.chmodSync(nowhere, mode as unknown as number));
  }
  return modeOf(mode, 0);
}

/** A user or group id. @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` as Node. */
export function checkOwner(uid: unknown, gid: unknown): void {
  if (isId(uid) && isId(gid)) return;
  checkArguments((nowhere) => real.chownSync(nowhere, uid as number, gid as number));
}

const idMax = 0xffff_ffff;

function isId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= -1 && value <= idMax;
}

function ownerCall(core: Core, syscall: string, follow: boolean) {
  return (path: PathArgument, uid: number, gid: number): void => {
    const target = pathOf(path);
    checkOwner(uid, gid);
    attempt(syscall, path, undefined, () => changeOwner(core, target, { uid, gid, follow }));
  };
}

function timesCall(core: Core, syscall: string, follow: boolean) {
  return (path: PathArgument, atime: unknown, mtime: unknown): void => {
    const target = pathOf(path);
    const times = timesOf(atime, mtime, real.utimesSync);
    attempt(syscall, path, undefined, () => changeTimes(core, target, { ...times, follow }));
  };
}
