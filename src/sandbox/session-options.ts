/** How a command is isolated from the real tree, and how that is brought about. */
export type Isolation = "enforced" | "cooperative";

/**
 * - `overlay`: kernel overlayfs in a mount namespace of real root;
 * - `overlay-user`: kernel overlayfs in an unprivileged user namespace;
 * - `fuse`: our own FUSE server in a mount namespace, for what overlayfs cannot do: mounts inside
 *   the tree, and, without real root, foreign owners and renaming directories that are on the disk;
 * - `clone`: a copy of the tree, compared afterwards. Nothing stops a command that writes to the
 *   real tree by its absolute path, so its isolation is `cooperative`.
 */
export type Engine = "overlay" | "overlay-user" | "fuse" | "clone";

/** What the command may reach besides the tree itself. The defaults are the safe ones. */
export interface Containment {
  /** The rest of the disk: `read-only` (default), or `open` as it is without draftfs. */
  readonly outside?: "read-only" | "open";
  /**
   * The home directory: `discard` (default) lets the command write there and throws it away
   * afterwards (caches of package managers work), `read-only`, or `open`.
   */
  readonly home?: "discard" | "read-only" | "open";
  /**
   * `/tmp`, `/var/tmp`, `/dev/shm`: `private` and empty (default), `read-only` as the host has
   * them, or `shared` with the host.
   */
  readonly temporary?: "private" | "read-only" | "shared";
  /** `on` (default), or `off`: no network but a loopback of its own. */
  readonly network?: "on" | "off";
  /**
   * Sockets of the host: `masked` (default) hides `/run` and takes the variables that lead to
   * agents and buses (`SSH_AUTH_SOCK`, `DBUS_SESSION_BUS_ADDRESS`…) from the environment.
   */
  readonly sockets?: "masked" | "shared";
  /** Globs of files that the command must not read, relative to the root or absolute. */
  readonly denyRead?: readonly string[];
}

/**
 * Bounds on what one command may use. Absent means unlimited. A control group enforces those on
 * memory and processes for the whole command where this user may have one (cgroup v2; for processes
 * v1 as well), `prlimit` the others; the result of the command says which.
 */
export interface ResourceLimits {
  /**
   * Bytes of memory, of all processes together, what they write included (it lies in memory before
   * the commit); without a control group: of private memory of each process.
   */
  readonly memoryBytes?: number;
  /** Seconds of processor time of each process. */
  readonly cpuSeconds?: number;
  /** Bytes of the largest file that it may write. */
  readonly fileBytes?: number;
  /** Number of processes and threads at once. Without a control group refused for root. */
  readonly processes?: number;
}

export interface SessionOptions extends Containment {
  /** Which engine to use; chosen by probing when absent. */
  readonly engine?: Engine;
  /** Weakest isolation that is acceptable; `enforced` by default. */
  readonly require?: Isolation;
  /** Most bytes that the command's writes may take, in memory; half of the memory by default. */
  readonly uncommittedBytesMax?: number;
  /** Variables for every command; replaces the filtered `process.env` when given. */
  readonly env?: NodeJS.ProcessEnv;
}
