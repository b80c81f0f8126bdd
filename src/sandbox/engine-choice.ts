import type { Layer } from "../overlay/layer.ts";
import { CloneWorkspace } from "./clone-workspace.ts";
import { foreignEntries } from "./foreign-entries.ts";
import { KernelWorkspace } from "./kernel-workspace.ts";
import type { LentContents } from "./lent-contents.ts";
import { type IsolationAttempt, isolationError, remedyFor } from "./sandbox-error.ts";
import type { Engine, SessionOptions } from "./session-options.ts";
import type { Workspace } from "./workspace.ts";

export interface WorkspaceContext {
  readonly layer: Layer;
  readonly options: SessionOptions;
  readonly contents: LentContents;
}

/**
 * Starts the first engine that works, by trying: versions and settings of a system say little about
 * what it allows.
 *
 * @throws {DraftError} `DRAFT_ISOLATION` with every attempt, why it failed and what would help.
 */
export async function startWorkspace(context: WorkspaceContext): Promise<Workspace> {
  const attempts: IsolationAttempt[] = [];
  for (const engine of candidateEngines(context)) {
    try {
      return await startEngine(engine, context);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      attempts.push({ engine, reason, remedy: remedyFor(reason) });
    }
  }
  throw isolationError(context.layer.root, attempts);
}

/** The engines of this system, best first. */
export function enginesOfSystem(): Engine[] {
  if (process.platform !== "linux") return ["clone"];
  const kernel: Engine[] =
    process.geteuid?.() === 0 ? ["overlay", "overlay-user", "fuse"] : ["overlay-user", "fuse"];
  return [...kernel, "clone"];
}

export async function startEngine(engine: Engine, context: WorkspaceContext): Promise<Workspace> {
  switch (engine) {
    case "overlay":
    case "overlay-user":
      if (process.platform !== "linux") throw new Error("overlayfs exists on Linux only");
      return KernelWorkspace.start({ ...context, engine });
    case "fuse":
      if (process.platform !== "linux") throw new Error("FUSE mounts in namespaces need Linux");
      return KernelWorkspace.start({ ...context, engine });
    case "clone":
      if ((context.options.require ?? "enforced") === "enforced") {
        throw new Error("a copy of the tree cannot enforce isolation (it is `cooperative`)");
      }
      refuseContainment(context.options);
      return CloneWorkspace.start(context);
  }
}

/** What was asked for by name must hold or nothing is run; defaults are given up with isolation. */
function refuseContainment(options: SessionOptions): void {
  const { outside, home, temporary, network, sockets, denyRead = [] } = options;
  const { uncommittedBytesMax } = options;
  const wishes = [
    [outside === "read-only", "a read-only rest of the disk"],
    [home === "discard" || home === "read-only", `a home directory that is ${home}`],
    [temporary === "private" || temporary === "read-only", `${temporary} temporary directories`],
    [network === "off", "no network"],
    [sockets === "masked", "masked sockets"],
    [denyRead.length > 0, "files that cannot be read"],
    [uncommittedBytesMax !== undefined, "a bound on what is written"],
  ] as const;
  const refused = wishes.filter(([isWished]) => isWished).map(([, what]) => what);
  if (refused.length === 0) return;
  throw new Error(`a copy of the tree contains nothing: it cannot give ${refused.join(", ")}`);
}

function candidateEngines({ layer, options }: WorkspaceContext): Engine[] {
  if (options.engine !== undefined) return [options.engine];
  const engines = enginesOfSystem();
  if (engines[0] !== "overlay-user" || foreignEntries(layer.root).length === 0) return engines;
  // The kernel's overlay could not change what belongs to others; over FUSE it is the user's own.
  return ["fuse", ...engines.filter((engine) => engine !== "fuse")];
}
