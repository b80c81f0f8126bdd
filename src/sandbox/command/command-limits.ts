import { isAbsolute } from "node:path";
import { DraftError } from "../../errors.ts";
import { toolPath } from "../namespace/namespace.ts";
import type { ResourceLimits } from "../session-options.ts";
import { findProgram } from "./command.ts";
import { ControlGroup, type GroupResource } from "./control-group.ts";

/** A limit as it is in force for one command. */
export interface LimitInForce {
  readonly resource: "memory" | "processor" | "processes" | "file" | "time";
  /** Bytes of memory or of a file, seconds of processor time, processes, milliseconds of time. */
  readonly amount: number;
  /** Who enforces it: a control group, the limits of processes (`prlimit`), or draftfs itself. */
  readonly by: "cgroup" | "prlimit" | "timer";
  /** What is counted: all processes of the command together, each by itself, or all of the user. */
  readonly scope: "command" | "process" | "user";
  /** Whether it was reached; `undefined` where that cannot be told. */
  readonly isReached: boolean | undefined;
}

/**
 * The limits of one command, and what brings them about. Everything that was asked for is in force,
 * or nothing is run.
 */
export class CommandLimits {
  /** Words in front of the launcher. */
  readonly outer: readonly string[];
  /** Words in front of the command. */
  readonly inner: readonly string[];
  readonly #limits: readonly LimitInForce[];
  readonly #group: ControlGroup;

  /**
   * @param timeoutMs is enforced by the caller.
   * @throws {DraftError} `DRAFT_ISOLATION` when one cannot be enforced here.
   */
  constructor(limits: ResourceLimits, timeoutMs: number | undefined) {
    const { memoryBytes: memory, processes } = limits;
    this.#group = ControlGroup.open({
      ...(memory === undefined ? {} : { memory }),
      ...(processes === undefined ? {} : { processes }),
    });
    try {
      const isGrouped = (resource: GroupResource) => this.#group.resources.has(resource);
      this.#limits = limitsInForce(limits, timeoutMs, isGrouped);
      this.inner = innerWords(limits, isGrouped);
      this.outer = this.#group.words;
    } catch (error) {
      this.#group.remove();
      throw error;
    }
  }

  /** How they stand once the command has ended. */
  inForce(isTimedOut: boolean): LimitInForce[] {
    return this.#limits.map((limit) => {
      if (limit.by === "timer") return { ...limit, isReached: isTimedOut };
      const { resource } = limit;
      const isGroup = limit.by === "cgroup" && (resource === "memory" || resource === "processes");
      return isGroup ? { ...limit, isReached: this.#group.isReached(resource) } : limit;
    });
  }

  /** Gives back what the system lent. @returns `false` while processes live under the limits. */
  end(): boolean {
    return this.#group.remove();
  }
}

function limitsInForce(
  limits: ResourceLimits,
  timeoutMs: number | undefined,
  isGrouped: (resource: GroupResource) => boolean,
): LimitInForce[] {
  const list: LimitInForce[] = [];
  const add = (
    resource: LimitInForce["resource"],
    amount: number | undefined,
    [by, scope]: readonly [LimitInForce["by"], LimitInForce["scope"]],
  ): void => {
    if (amount !== undefined) list.push({ resource, amount, by, scope, isReached: undefined });
  };
  const group = ["cgroup", "command"] as const;
  const each = ["prlimit", "process"] as const;
  add("memory", limits.memoryBytes, isGrouped("memory") ? group : each);
  add("processor", limits.cpuSeconds, each);
  add("processes", limits.processes, isGrouped("processes") ? group : ["prlimit", "user"]);
  add("file", limits.fileBytes, each);
  add("time", timeoutMs, ["timer", "command"]);
  return list;
}

function innerWords(
  limits: ResourceLimits,
  isGrouped: (resource: GroupResource) => boolean,
): string[] {
  const words: string[] = [];
  if (limits.memoryBytes !== undefined && !isGrouped("memory")) {
    words.push(`--data=${limits.memoryBytes}`);
  }
  if (limits.cpuSeconds !== undefined) words.push(`--cpu=${limits.cpuSeconds}`);
  if (limits.fileBytes !== undefined) words.push(`--fsize=${limits.fileBytes}`);
  if (limits.processes !== undefined && !isGrouped("processes")) {
    if (process.geteuid?.() === 0) {
      throw unenforceable(
        "the number of processes: root is exempt from that limit, and there is no control group " +
          "that can be used. Run as an ordinary user, or where cgroup v2 can be written",
      );
    }
    words.push(`--nproc=${limits.processes}`);
  }
  if (words.length === 0) return [];
  const program = findProgram("prlimit", toolPath(process.env["PATH"]));
  if (isAbsolute(program)) return [program, ...words, "--"];
  throw unenforceable("what a command uses: prlimit is missing. Install util-linux");
}

function unenforceable(what: string): DraftError {
  return new DraftError("DRAFT_ISOLATION", `Cannot limit ${what}. Nothing was run.`);
}
