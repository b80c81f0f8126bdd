import type { CommitOptions } from "../options.ts";
import type { CommitPlan } from "../plan/plan.ts";
import type { OperationFacts } from "./checkpoint.ts";

/** What the checkpoint of an operation says of it, by what the caller has said. */
export function operationFactsOf(
  plan: CommitPlan,
  options: CommitOptions,
  sequence: number,
): OperationFacts {
  const { operation, message, author, command, commands = [], concerns, draft } = options;
  const [only] = commands.length === 1 ? commands : [];
  return {
    sequence,
    operation: operation === "apply" ? "commit" : (operation ?? "commit"),
    message: message ?? defaultMessageOf(plan),
    author: author ?? "draftfs <>",
    command: command ?? only?.words ?? null,
    ...(commands.length === 0 ? {} : { commands }),
    ...(draft === undefined ? {} : { draft }),
    createdMs: Date.now(),
    concerns: concerns ?? [],
  };
}

function defaultMessageOf(plan: CommitPlan): string {
  const { changes } = plan.asked;
  const [first] = changes;
  if (changes.length === 1 && first !== undefined) return `${first.kind} ${first.path || "."}`;
  return `Change ${changes.length} paths`;
}
