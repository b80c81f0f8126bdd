import { reasonOf } from "../../errors.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { LentContents } from "../harvest/lent-contents.ts";
import { type IsolationAttempt, isolationError, remedyFor } from "../sandbox-error.ts";
import type { Engine, SessionOptions } from "../session-options.ts";
import { kindOfError, StartFailure } from "../start-failure.ts";
import type { Workspace } from "../workspace.ts";
import { CloneWorkspace } from "./clone-workspace.ts";
import { circumstancesOf, EngineVerdicts } from "./engine-verdicts.ts";
import { foreignEntries } from "./foreign-entries.ts";
import { KernelWorkspace } from "./kernel-workspace.ts";

export interface WorkspaceContext {
  readonly layer: Layer;
  readonly options: SessionOptions;
  readonly contents: LentContents;
}

/** A workspace, and why its engine is not a better one. */
export interface StartedWorkspace {
  readonly workspace: Workspace;
  readonly passedOver: readonly IsolationAttempt[];
}

/** Of this process; nothing of it is kept on the disk, where others could change what is judged. */
const verdicts = new EngineVerdicts();

/**
 * Starts the first engine that works, by trying: versions and settings of a system say little about
 * what it allows. What has failed lately for a reason that lasts is tried last of all that enforce
 * isolation: again, before less is taken or the command refused.
 *
 * @throws {DraftError} `DRAFT_ISOLATION` with every attempt, why it failed and what would help.
 */
export async function startWorkspace(
  context: WorkspaceContext,
  known: EngineVerdicts = verdicts,
): Promise<StartedWorkspace> {
  const engines = candidateEngines(context);
  const circumstances = circumstancesOf(context.layer.root, context.options);
  const attempts = new Map<Engine, IsolationAttempt>();
  for (const engine of engines) {
    const attempt = known.find(engine, circumstances);
    if (attempt !== undefined) attempts.set(engine, attempt);
  }
  for (const engine of inOrderOfHope(engines, attempts)) {
    try {
      const workspace = await startEngine(engine, context);
      known.forget(engine, circumstances);
      return { workspace, passedOver: attemptsBefore(engine, engines, attempts) };
    } catch (error) {
      const reason = reasonOf(error);
      const kind = kindOfError(error);
      const attempt = { engine, reason, remedy: remedyFor(kind) };
      attempts.set(engine, attempt);
      known.note(engine, circumstances, { attempt, kind });
    }
  }
  throw isolationError(context.layer.root, attemptsBefore(undefined, engines, attempts));
}

/** First those of which nothing is known, then those that have failed, and then a mere copy. */
function inOrderOfHope(
  engines: readonly Engine[],
  failed: ReadonlyMap<Engine, IsolationAttempt>,
): Engine[] {
  const enforcing = engines.filter((engine) => engine !== "clone");
  const [known, unknown] = [true, false].map((isKnown) =>
    enforcing.filter((engine) => failed.has(engine) === isKnown),
  ) as [Engine[], Engine[]];
  return [...unknown, ...known, ...engines.filter((engine) => engine === "clone")];
}

/** Why the engines that are better than `chosen` were not taken, best first. */
function attemptsBefore(
  chosen: Engine | undefined,
  engines: readonly Engine[],
  attempts: ReadonlyMap<Engine, IsolationAttempt>,
): IsolationAttempt[] {
  const better = chosen === undefined ? engines : engines.slice(0, engines.indexOf(chosen));
  return better.flatMap((engine) => attempts.get(engine) ?? []);
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
      requireLinux("overlayfs exists on Linux only");
      return KernelWorkspace.start({ ...context, engine });
    case "fuse":
      requireLinux("FUSE mounts in namespaces need Linux");
      return KernelWorkspace.start({ ...context, engine });
    case "clone":
      if ((context.options.require ?? "enforced") === "enforced") {
        const message = "a copy of the tree cannot enforce isolation (it is `cooperative`)";
        throw new StartFailure("cannot-enforce", message);
      }
      refuseContainment(context.options);
      return CloneWorkspace.start(context);
  }
}

function requireLinux(message: string): void {
  if (process.platform !== "linux") throw new StartFailure("wrong-system", message);
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
  const message = `a copy of the tree contains nothing: it cannot give ${refused.join(", ")}`;
  throw new StartFailure("cannot-contain", message);
}

function candidateEngines({ layer, options }: WorkspaceContext): Engine[] {
  if (options.engine !== undefined) return [options.engine];
  const engines = enginesOfSystem();
  if (engines[0] !== "overlay-user" || foreignEntries(layer.root).length === 0) return engines;
  // The kernel's overlay could not change what belongs to others; over FUSE it is the user's own.
  return ["fuse", ...engines.filter((engine) => engine !== "fuse")];
}
