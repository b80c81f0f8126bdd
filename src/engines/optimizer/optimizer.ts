import type { OptimizerSettings } from "../optimizer-settings.ts";

/** What an operation looks like beside those that wait with it. */
export interface OperationFeatures {
  readonly kind: string;
  /** Bytes that it brings along. */
  readonly sizeBytes: number;
  /** Size of the file that it edits; 0 for other operations. */
  readonly fileBytes: number;
  /** Edits that it consists of; 1 for other operations. */
  readonly edits: number;
  /** Other operations on the same file that wait. */
  readonly sameFile: number;
  /** Operations that wait in the same directory, on files of the same type, itself included. */
  readonly similar: number;
  /** Files that wait, its own included. */
  readonly files: number;
  /** Whether it takes part in an explicit batch or transaction. */
  readonly insideBatch: boolean;
  /** Whether its content follows a template. */
  readonly fitsTemplate: boolean;
  /** Whether that template was found before, among files of earlier flushes. */
  readonly isKnownTemplate: boolean;
  /** Whether the file has this very content already. */
  readonly isIdentical: boolean;
  /** Whether its place among the others matters: one's directory is moved, made or deleted. */
  readonly isOrdered: boolean;
  /** Whether it waits in an overlay for a commit that writes everything together in any case. */
  readonly isHeld: boolean;
}

/** What was seen in an operation. `NONE`: nothing to gain. */
export type Analysis = "NONE" | "BATCH" | "TEMPLATE" | "COORDINATE" | "DEDUPLICATE";

/**
 * How an operation is done. `commit` is the standard path too: there is something to gain, and the
 * commit to come gains it whatever is done before.
 */
export type Strategy = "standard" | "batch" | "template" | "coalesce" | "stream" | "commit";

export interface Decision {
  readonly analysis: Analysis;
  readonly strategy: Strategy;
  /** Why, as a sentence. */
  readonly reason: string;
  /** Calls that the strategy is expected to save against the standard path. */
  readonly predictedCallsSaved: number;
}

/**
 * Decides how one operation is done. Pure: the same features and settings give the same decision.
 *
 * The rules, in order: nothing is optimised when optimisation is off; content that is there already
 * is not written; huge files are edited by extents, unless their place among the others matters;
 * operations on one file become one; what follows a template is rendered as a batch; what depends
 * on its order is coordinated; what has company is batched; the rest is left alone. What would be
 * batched is left to the commit where one will write it together with everything else: a batch
 * before that saves nothing. What the profile of an agent holds back is passed over.
 */
export function decide(features: OperationFeatures, settings: OptimizerSettings): Decision {
  if (!settings.enabled) return standard("optimisation is switched off");
  return (
    decideAlone(features, settings) ??
    decideTogether(features, settings) ??
    standard(
      features.sizeBytes < settings.contentBytesMin
        ? `a single operation under ${settings.contentBytesMin} bytes is left alone`
        : "it is large enough to be looked at, but nothing could be saved",
    )
  );
}

/** A decision as people read it. */
export function explain(decision: Decision): string {
  const { analysis, strategy, reason, predictedCallsSaved } = decision;
  if (strategy === "standard") return `standard path: ${reason}.`;
  const gain = predictedCallsSaved > 0 ? `; saves ${predictedCallsSaved.toFixed(1)} calls` : "";
  return `${strategy} (${analysis}): ${reason}${gain}.`;
}

/** What can be seen in the operation and its file alone. */
function decideAlone(
  features: OperationFeatures,
  settings: OptimizerSettings,
): Decision | undefined {
  const { sameFile, edits, fileBytes } = features;
  const { coalescing, streams } = settings.profile;
  // On an overlay a small write takes no longer than to read what is there.
  const isAskedFor = features.insideBatch && !features.isHeld;
  const isLookedAt = features.sizeBytes >= settings.contentBytesMin || isAskedFor;
  if (coalescing && features.isIdentical && isLookedAt) {
    return {
      analysis: "DEDUPLICATE",
      strategy: "coalesce",
      reason: "the file has this content already",
      predictedCallsSaved: 1,
    };
  }
  // Streams run by themselves, after what is batched: not when their place matters.
  const isByItself = sameFile === 0 && !features.isOrdered;
  const isHuge = fileBytes >= settings.streamBytesMin;
  if (streams && features.kind === "edit" && isHuge && isByItself) {
    // As many searches and writes as plain code makes; what it saves are bytes and memory.
    return {
      analysis: "DEDUPLICATE",
      strategy: "stream",
      reason: `a file of ${fileBytes} bytes is edited where it lies`,
      predictedCallsSaved: 0,
    };
  }
  if (coalescing && (sameFile > 0 || edits > 1)) {
    const others = sameFile > 0 ? `${sameFile} more on the same file wait` : `${edits} edits`;
    const plain = features.kind === "edit" ? 2 * edits : 1;
    return {
      analysis: "DEDUPLICATE",
      strategy: "coalesce",
      reason: `${others}: one read and one write will do`,
      predictedCallsSaved: plain - 2 / (sameFile + 1),
    };
  }
  return undefined;
}

/** What can be seen in its company. */
function decideTogether(
  features: OperationFeatures,
  settings: OptimizerSettings,
): Decision | undefined {
  const { files, similar, insideBatch, isHeld } = features;
  const { batches } = settings.profile;
  const hasCompany = similar >= settings.operationsForBatchMin;
  const together = isHeld ? leftToCommit : batched;
  if (features.fitsTemplate && hasCompany) {
    return together("TEMPLATE", `${similar} files that wait follow one template`);
  }
  if (features.fitsTemplate && features.isKnownTemplate) {
    return together("TEMPLATE", "it follows a template that was found before");
  }
  if (!batches) return undefined;
  if (features.isOrdered) return together("COORDINATE", "its place among the others matters");
  if (hasCompany) return together("BATCH", `${similar} similar operations wait`);
  if (files >= settings.operationsForBatchMin) {
    return together("BATCH", `${files} files wait for one commit`);
  }
  return insideBatch && files > 1
    ? together("BATCH", `it is one of ${files} files of a batch`)
    : undefined;
}

/** Company saves no calls; what it saves is the cost of doing each by itself. */
function batched(analysis: "TEMPLATE" | "COORDINATE" | "BATCH", reason: string): Decision {
  const strategy = analysis === "TEMPLATE" ? "template" : "batch";
  return { analysis, strategy, reason, predictedCallsSaved: 0 };
}

/** The same where a commit does that, and where nobody can see what comes in between. */
function leftToCommit(analysis: Analysis, reason: string): Decision {
  const why = `${reason}; the commit writes all of it together`;
  return { analysis, strategy: "commit", reason: why, predictedCallsSaved: 0 };
}

function standard(reason: string): Decision {
  return { analysis: "NONE", strategy: "standard", reason, predictedCallsSaved: 0 };
}
