import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { readMountTable, visibleMounts } from "../../disk/mount-table.ts";
import { DraftError } from "../../errors.ts";
import { startFuseServer } from "../fuse/start-server.ts";
import { StartFailure } from "../start-failure.ts";
import { mountsToRestrict, placesToBind } from "./containment-zones.ts";
import { lostBeside, lostHome } from "./lost-places.ts";
import { LostWrites } from "./lost-writes.ts";
import { deniedByMounts, type NamespacePlan, namespaceScript } from "./namespace-script.ts";
import { SealedStreams } from "./sealed-streams.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

type Supervisor = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * A running namespace: its process 1, and two descriptors into it.
 *
 * Invariants: nothing keeps it alive but this object (when the process of Node ends, however it
 * ends, the kernel closes the pipe, process 1 reads the end of its input, and with it go all
 * processes, mounts and memory of the namespace); and no descriptor of ours is inherited by it.
 */
export class Namespace {
  readonly plan: NamespacePlan;
  /** Process 1 of the namespace, by its number on the host. */
  readonly pid: number;
  /** The merged view, as commands see it. */
  readonly viewDescriptor: number;
  /** Last part of the upper's path. */
  readonly upperName: string;
  /** The upper directory of the overlay. */
  readonly upperDescriptor: number;
  /** Of all that commands can write to and that goes with it. */
  readonly lostWrites: LostWrites[] = [];
  readonly #supervisor: Supervisor;
  readonly #answers: Interface;
  readonly #ended: Promise<void>;
  #isAlive = true;
  #isStopped = false;

  private constructor(
    plan: NamespacePlan,
    supervisor: Supervisor,
    answers: Interface,
    { pid, upper, server }: { readonly pid: number } & Cover,
  ) {
    this.plan = plan;
    this.pid = pid;
    this.upperName = basename(upper);
    this.#supervisor = supervisor;
    this.#answers = answers;
    this.#ended = new Promise((resolve) => {
      supervisor.once("exit", () => {
        this.#isAlive = false;
        resolve();
      });
    });
    // It may end while an order is on its way; that it has is known by its exit.
    supervisor.stdin.on("error", () => {});
    // Without its server the tree cannot be reached: what runs there is at a loss, and so are we.
    server?.once("exit", () => this.abandon());
    // No command has run yet, so nothing in the namespace can have been swapped for a link.
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    this.viewDescriptor = openSync(`/proc/${pid}/root${plan.root}`, flags);
    try {
      this.upperDescriptor = openSync(upper, flags);
    } catch (error) {
      closeSync(this.viewDescriptor);
      throw error;
    }
    try {
      const isLost = plan.discarded !== undefined;
      const beside = lostBeside(plan, pid);
      if (isLost) this.lostWrites.push(new LostWrites(lostHome(`/proc/${pid}/fd/9/home-upper`)));
      if (beside !== undefined) this.lostWrites.push(new LostWrites(beside));
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /**
   * Starts a namespace and waits until its mounts are in place.
   *
   * @throws {Error} with the words of the tool that failed; nothing is left behind.
   */
  static async start(plan: NamespacePlan): Promise<Namespace> {
    const supervisor = startSupervisor(plan);
    const complaints: Buffer[] = [];
    supervisor.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
    const answers = createInterface({ input: supervisor.stdout });
    let namespace: Namespace | undefined;
    try {
      const pid = await readyPid(supervisor, answers);
      const cover = await coverTree(plan, pid);
      namespace = new Namespace(plan, supervisor, answers, { pid, ...cover });
      namespace.#verify(Buffer.concat(complaints).toString());
      furnish(namespace);
      // A tree that is served without the kernel's overlay needs none of it.
      if (plan.tree !== "fuse") probeOverlay(`/proc/${pid}/fd/9/probe`);
      return namespace;
    } catch (error) {
      if (namespace !== undefined) namespace.#close();
      supervisor.kill("SIGKILL");
      const complaint = Buffer.concat(complaints).toString().trim();
      throw StartFailure.met(error, complaint.replace(/\n/g, "; "));
    }
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Kills every process of the namespace but its first, and waits until they are gone. */
  async quiesce(): Promise<void> {
    if (!this.#isAlive) throw this.lost();
    if (this.#isEmpty()) return;
    const answered = new Promise<void>((resolve) => this.#answers.once("line", () => resolve()));
    this.#hold();
    this.#supervisor.stdin.write("quiesce\n");
    try {
      await Promise.race([answered, this.#ended]);
    } finally {
      this.#release();
    }
    if (!this.#isAlive) throw this.lost();
  }

  /**
   * Whether its first process is alone, by its own list of processes: asking for that costs less
   * than an order. The children of the first process would not do, since a process can make another
   * one its launcher's child, which is outside.
   */
  #isEmpty(): boolean {
    try {
      const processes = readdirSync(`/proc/${this.pid}/root/proc`).filter((name) =>
        /^\d/.test(name),
      );
      return processes.length === 1 && processes[0] === "1";
    } catch {
      // It has just ended, which the order will tell.
      return false;
    }
  }

  /** Ends the namespace with everything in it. Its descriptors are invalid afterwards. */
  async stop(): Promise<void> {
    this.#close();
    if (this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null) return;
    this.#hold();
    this.#supervisor.stdin.end();
    await this.#ended;
  }

  /** Kills everything in it at once; its descriptors stay valid until `stop`. */
  abandon(): void {
    this.#isAlive = false;
    this.#supervisor.kill("SIGKILL");
  }

  #close(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    closeSync(this.viewDescriptor);
    closeSync(this.upperDescriptor);
    for (const writes of this.lostWrites) writes.close();
  }

  /** While idle, a namespace does not keep the process of its owner from ending. */
  #release(): void {
    this.#supervisor.unref();
    for (const stream of this.#supervisor.stdio) unrefStream(stream);
  }

  #hold(): void {
    this.#supervisor.ref();
  }

  /** Trusts only what the kernel lists: the tree is covered, and the rest is read-only. */
  #verify(complaint: string): void {
    this.#release();
    const visible = new Map(visibleMounts(readMountTable(this.pid)).map((row) => [row.path, row]));
    const { plan } = this;
    const missing = placesToCover(plan)
      .filter(([path, fileSystem]) => visible.get(path)?.fileSystem !== fileSystem)
      .map(([path]) => path);
    const bound = placesToBind(plan).map(({ path }) => path);
    missing.push(...bound.filter((path) => !visible.has(path)));
    const outside = plan.readOnlyOutside && visible.has("/") ? ["/"] : [];
    const restricted = mountsToRestrict(plan)
      .map(({ path }) => path)
      .filter((path) => visible.has(path));
    const writable = [...plan.kernelControls, ...outside, ...restricted].filter(
      (path) => visible.get(path)?.flags.includes("ro") !== true,
    );
    if (missing.length === 0 && writable.length === 0) return;
    const problems = [
      ...missing.map((path) => `${path} could not be covered`),
      ...writable.map((path) => `${path} could not be made read-only`),
    ];
    throw StartFailure.told(
      `${problems.join(", ")}${complaint === "" ? "" : ` (${complaint.trim()})`}`,
    );
  }

  /** What to throw when it has ended. */
  lost(): DraftError {
    return new DraftError(
      "DRAFT_SANDBOX_FAILED",
      `The sandbox over ${this.plan.root} has ended unexpectedly, with all changes in it that ` +
        "were not yet harvested. The real tree is untouched. Run the command again.",
      { path: this.plan.root },
    );
  }
}

/** Where a mount of ours must show, and its file system. */
function placesToCover(plan: NamespacePlan): (readonly [string, string])[] {
  return [
    [plan.root, plan.tree === "fuse" ? "fuse" : "overlay"],
    ...(plan.discarded === undefined ? [] : [[plan.discarded, "overlay"] as const]),
    ...[...plan.emptied, ...(plan.isHostRoot ? ["/dev"] : [])].map(
      (path) => [path, "tmpfs"] as const,
    ),
    ...deniedByMounts(plan).map(({ path }) => [path, "tmpfs"] as const),
  ];
}

/** What the script leaves to system calls of ours, before any command runs. */
function furnish({ plan, pid, viewDescriptor }: Namespace): void {
  const stage = `/proc/${pid}/fd/9`;
  for (const name of ["denied-file", "denied-directory"]) chmodSync(`${stage}/${name}`, 0);
  for (const [path, text] of plan.kept) {
    const place = `/proc/${pid}/root${path}`;
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text);
  }
  if (plan.isHostRoot) {
    for (const [name, target] of Object.entries(deviceLinks))
      symlinkSync(target, `${stage}/dev/${name}`);
  }
  if (plan.tree === "fuse") return;
  // Through the overlay, which would not see that its upper has changed.
  const { mode, uid, gid } = plan.rootStats;
  const view = `/proc/self/fd/${viewDescriptor}/.`;
  if (plan.privileged) chownSync(view, uid, gid);
  chmodSync(view, mode & 0o7777);
}

const deviceLinks = {
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
  ptmx: "pts/ptmx",
};

/** What covers a tree. */
interface Cover {
  /** Path of the upper, as the host names it. */
  readonly upper: string;
  /** The process without which it cannot be reached. */
  readonly server: ChildProcess | undefined;
}

/** Covers the tree where the script has not. */
async function coverTree(plan: NamespacePlan, pid: number): Promise<Cover> {
  const staged = `/proc/${pid}/fd/9/upper`;
  if (plan.tree === "overlay") return { upper: staged, server: undefined };
  const { root, privileged, denyRead, deniedLinks, uncommittedBytesMax } = plan;
  const path = toolPath(process.env["PATH"]);
  const place = { root, pid, privileged, denyRead, deniedLinks, uncommittedBytesMax };
  const server = await startFuseServer({ ...place, target: root, toolPath: path });
  return { upper: `/proc/${pid}/root${root}/${server.upperName}`, server: server.process };
}

/**
 * Tries what a mount alone does not show: on a tmpfs without `user.*` attributes (Linux before 6.6)
 * the overlay mounts, and then cannot remove a directory of the lower.
 */
function probeOverlay(directory: string): void {
  const removed = `${directory}/removed`;
  try {
    rmSync(removed, { recursive: true });
    mkdirSync(removed);
    if (readdirSync(removed).length > 0) throw new Error("removed files came back");
  } catch (error) {
    throw new StartFailure(
      "wrong-system",
      "the overlay cannot remove a directory: an upper in memory needs Linux 6.6 or later",
      { cause: error },
    );
  }
}

function startSupervisor(plan: NamespacePlan): Supervisor {
  const namespaces = plan.privileged ? ["-m", "-p", "-i"] : ["-U", "-r", "-m", "-p", "-i"];
  if (plan.loopback) namespaces.push("-n");
  // Process 1 holds no descriptor of ours: commands may look for them in `/proc/1/fd`.
  const streams = new SealedStreams(["pipe", "pipe", "pipe"]);
  const supervisor = spawn(
    "unshare",
    [
      ...namespaces,
      "-f",
      "--propagation",
      "private",
      "--kill-child",
      "sh",
      "-c",
      namespaceScript(plan),
    ],
    // A group of its own: Ctrl-C at the terminal is for the command, never for the supervisor.
    {
      stdio: streams.stdio,
      cwd: "/",
      detached: true,
      env: { PATH: toolPath(process.env["PATH"]), LC_ALL: "C" },
    },
  ) as Supervisor;
  streams.attach(supervisor);
  return supervisor;
}

/** `ip`, `mount` and `unshare` lie in directories that the `PATH` of a user often lacks. */
export function toolPath(path: string | undefined): string {
  return [
    ...(path ?? "").split(":").filter(Boolean),
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ].join(":");
}

function readyPid(supervisor: Supervisor, answers: Interface): Promise<number> {
  return new Promise((resolve, reject) => {
    supervisor.once("error", reject);
    supervisor.once("close", (code) => reject(new Error(`unshare ended with code ${code}`)));
    answers.once("line", (line) => {
      const pid = /^ready (\d+)$/.exec(line)?.[1];
      if (pid === undefined) reject(new Error(`unexpected answer of the supervisor: ${line}`));
      else resolve(Number(pid));
    });
  });
}

function unrefStream(stream: unknown): void {
  if (stream !== null && typeof stream === "object" && "unref" in stream) {
    (stream as { unref(): void }).unref();
  }
}
