import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { SealedStreams } from "../namespace/sealed-streams.ts";
import { StartFailure } from "../start-failure.ts";
import { type ServerOrder, serverOrderVariable, servingLine, upperNameOf } from "./served-names.ts";
import { serverPath } from "./server-path.ts";

/** A tree to be served, and the namespace to mount it in. */
export interface ServerPlace {
  readonly root: string;
  /** Where it is mounted, as the namespace names it. */
  readonly target: string;
  /** Process 1 of the namespace, by its number on the host. */
  readonly pid: number;
  /** Whether the namespace belongs to real root, and has no user namespace of its own. */
  readonly privileged: boolean;
  /** Globs of files that commands must not read. */
  readonly denyRead: readonly string[];
  /** Paths of the tree to which denied links lead. */
  readonly deniedLinks: readonly string[];
  /** Most bytes that may be pending. */
  readonly uncommittedBytesMax: number;
  /** Where `nsenter`, `mount` and `setpriv` are found. */
  readonly toolPath: string;
}

/** A running server. It ends when the namespace ends, and the mount fails when it ends. */
export interface FuseServer {
  readonly process: ChildProcess;
  /** Name under which the top of the mount shows the upper to its owner. */
  readonly upperName: string;
}

/**
 * Opens the device in the user namespace of the mount, which is what the kernel asks for; mounts it
 * in the mount namespace; and becomes the server, which stays in the mount namespace of the host,
 * where the tree is not covered, and outside of the process namespace, where no command sees it.
 */
const script = [
  "exec 3<>/dev/fuse",
  'nsenter -t "$1" -m -- mount -c -i -t fuse -o "$2" draftfs-tree "$3"',
  'exec "$4" "$5"',
].join(" && ");

/**
 * Mounts a tree in a namespace by FUSE and serves it from a process of its own.
 *
 * @throws {Error} with the words of the tool that failed; nothing is left behind.
 */
export async function startFuseServer(place: ServerPlace): Promise<FuseServer> {
  const secret = `.draftfs-${randomBytes(16).toString("hex")}`;
  const { root, target, pid, privileged, denyRead, deniedLinks } = place;
  const { uncommittedBytesMax } = place;
  const order: ServerOrder = {
    root,
    secret,
    uncommittedBytesMax,
    owner: process.pid,
    squash: !privileged,
    denyRead,
    deniedLinks,
  };
  // Without `allow_other` the kernel lets in whoever has the very ids of the mount's user, in any
  // namespace: draftfs, which looks from outside, too. With it, only who is in this namespace.
  const access = privileged ? "default_permissions,allow_other" : "default_permissions";
  const options = `fd=3,rootmode=40000,user_id=0,group_id=0,${access},max_read=1048576`;
  const shell = [
    "sh",
    "-c",
    script,
    "draftfs",
    String(pid),
    options,
    target,
    process.execPath,
    serverPath,
  ];
  const enter = ["nsenter", "-t", String(pid), "-U", "--preserve-credentials", "--"];
  const [program = "", ...words] = privileged ? shell : [...enter, ...shell];
  const streams = new SealedStreams(["ignore", "pipe", "pipe"]);
  const child = spawn(program, words, {
    stdio: streams.stdio,
    cwd: "/",
    detached: true,
    env: {
      PATH: place.toolPath,
      LC_ALL: "C",
      HOME: "/nonexistent",
      [serverOrderVariable]: JSON.stringify(order),
    },
  });
  streams.attach(child);
  await serving(child);
  child.unref();
  return { process: child, upperName: upperNameOf(secret) };
}

/** Waits until the server is about to answer. */
function serving(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaints = "";
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes(servingLine)) return;
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      const reason = complaints.trim().replace(/\n/g, "; ");
      reject(StartFailure.told(reason === "" ? `the FUSE server ended with code ${code}` : reason));
    });
  });
}
