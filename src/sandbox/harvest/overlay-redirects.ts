import { spawnSync } from "node:child_process";
import { decodeName, encodePath } from "../../disk/names.ts";
import { childOf, type TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";

const blockBytes = 512;
const attribute = "trusted.overlay.redirect";

/**
 * Where directories of an upper were renamed from: the value of overlayfs' redirect attribute.
 *
 * Node cannot read extended attributes, so GNU tar writes them to a pipe (`--xattrs`, the pax
 * records of POSIX.1-2001). Only real root sees `trusted.*`.
 *
 * @param upperDescriptor of the upper directory.
 * @throws {Error} with the code `ENOENT` when a running command has taken one away.
 * @returns for each path that has one, the raw value: a name, or a path that begins with `/`.
 */
export function readRedirects(
  upperDescriptor: number,
  paths: readonly TreePath[],
): Map<TreePath, string> {
  const names = paths.flatMap((path) => [Buffer.from("./"), bytesOf(path), Buffer.from("\0")]);
  const words = ["-c", "-f", "-", "--format=posix", "--no-recursion", "--xattrs"];
  const tar = spawnSync("tar", [...words, `--xattrs-include=${attribute}`, "--null", "-T", "-"], {
    cwd: `/proc/${process.pid}/fd/${upperDescriptor}`,
    input: Buffer.concat(names),
    maxBuffer: 1 << 30,
    env: { ...process.env, LC_ALL: "C" },
  });
  if (tar.error !== undefined) throw tar.error;
  if (tar.status !== 0) {
    const reason = tar.stderr.toString().trim();
    const isGone = /No such file|Not a directory|changed as we read/.test(reason);
    throw Object.assign(new Error(`tar failed: ${reason}`), isGone ? { code: "ENOENT" } : {});
  }
  return redirectsIn(tar.stdout, paths);
}

/**
 * The redirect as a path of the lower.
 *
 * @throws {DraftError} `DRAFT_SANDBOX_FAILED` when it would lead out: no file system wrote that.
 */
export function resolveRedirect(value: string, parentLower: TreePath | undefined): TreePath {
  if (value.split("/").some((name) => name === ".." || name === ".")) {
    throw new DraftError(
      "DRAFT_SANDBOX_FAILED",
      `Cannot take over what a command changed: a directory claims to come from ${value}.`,
      { path: value },
    );
  }
  return value.startsWith("/") ? value.slice(1) : childOf(parentLower ?? "", value);
}

/** Entries of the archive come in the order of `paths`, each after its own extended header. */
function redirectsIn(archive: Buffer, paths: readonly TreePath[]): Map<TreePath, string> {
  const found = new Map<TreePath, string>();
  let redirect: string | undefined;
  let index = 0;
  for (let at = 0; at + blockBytes <= archive.length && index < paths.length; ) {
    const type = String.fromCharCode(archive[at + 156] ?? 0);
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8) || 0;
    const body = archive.subarray(at + blockBytes, at + blockBytes + size);
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
    if (type === "x") redirect = paxRecord(body, `SCHILY.xattr.${attribute}`);
    else {
      const path = paths[index++];
      if (redirect !== undefined && path !== undefined) found.set(path, redirect);
      redirect = undefined;
    }
  }
  return found;
}

/** Records are `<length> <key>=<value>\n`; the length counts the whole record in bytes. */
function paxRecord(body: Buffer, key: string): string | undefined {
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, space));
    if (!(length > 0)) return undefined;
    const record = body.subarray(space + 1, at + length - 1);
    if (record.toString("latin1").startsWith(`${key}=`)) {
      return decodeName(record.subarray(key.length + 1));
    }
    at += length;
  }
  return undefined;
}

function bytesOf(path: TreePath): Buffer {
  const encoded = encodePath(path);
  return typeof encoded === "string" ? Buffer.from(encoded) : encoded;
}
