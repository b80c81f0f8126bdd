import { DraftError } from "../errors.ts";
import { suggestName } from "../suggest-name.ts";
import type { ConfigValues } from "./config-keys.ts";

/** The agents that `agent_optimization_config.yaml` has sections for. */
export const agentNames = ["builder", "reviewer", "tester", "ci_diagnostic"] as const;

export type AgentName = (typeof agentNames)[number];

/** What engines and tools may do for an agent. */
export interface AgentProfile {
  /** Whether operations wait for each other to be done together; else each is done by itself. */
  readonly batches: boolean;
  /** Whether templates are looked for among what is written, and kept. */
  readonly templates: boolean;
  /** Whether huge files are read in pieces and edited where they lie; else in memory. */
  readonly streams: boolean;
  /** Whether several edits of a file become one read and one write; else one of each an edit. */
  readonly coalescing: boolean;
  /** Whether a set of edits is done whole or not at all; else as far as it can be. */
  readonly atomicity: boolean;
  /** Whether what a failing set has done is taken back; else it stays. */
  readonly rollback: boolean;
  /** Whether commands may run at the same time; else each waits for the one before. */
  readonly parallelism: boolean;
}

/** Without an agent: nothing is held back. */
export const openProfile: AgentProfile = {
  batches: true,
  templates: true,
  streams: true,
  coalescing: true,
  atomicity: true,
  rollback: true,
  parallelism: true,
};

/**
 * The profile of an agent as the configuration has it. What an agent has no key for is as without
 * one.
 *
 * @throws {DraftError} `DRAFT_CONFIG` for a name that is no agent's.
 */
export function agentProfileOf(values: ConfigValues, agent?: AgentName): AgentProfile {
  switch (agent) {
    case undefined:
      return openProfile;
    case "builder":
      return {
        ...openProfile,
        templates: values["agent_optimizations.builder.template_extraction"],
        batches: values["agent_optimizations.builder.batch_generation"],
        streams: values["agent_optimizations.builder.memory_streaming"],
      };
    case "reviewer":
      return {
        ...openProfile,
        coalescing: values["agent_optimizations.reviewer.coalesced_edits"],
        atomicity: values["agent_optimizations.reviewer.atomic_application"],
        rollback: values["agent_optimizations.reviewer.rollback_enabled"],
      };
    case "tester":
      return {
        ...openProfile,
        batches: values["agent_optimizations.tester.batch_test_generation"],
        parallelism: values["agent_optimizations.tester.parallel_execution"],
      };
    case "ci_diagnostic":
      return {
        ...openProfile,
        batches: values["agent_optimizations.ci_diagnostic.batch_config_updates"],
        templates: values["agent_optimizations.ci_diagnostic.template_based_fixes"],
      };
    default:
      throw unknownAgent(agent);
  }
}

function unknownAgent(name: never): DraftError {
  const meant = suggestName(String(name), agentNames);
  const hint = meant === undefined ? `Known: ${agentNames.join(", ")}.` : `Did you mean ${meant}?`;
  return new DraftError("DRAFT_CONFIG", `There is no agent ${String(name)}. ${hint}`);
}
