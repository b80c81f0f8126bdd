/** The write engines, as `draftfs/engines`: named exports only. */
export type { AgentName, AgentProfile } from "../config/agent-profile.ts";
export {
  type CollectOptions,
  collectMetrics,
  type MetricsCollection,
} from "../config/collect-metrics.ts";
export type { ConfigValues } from "../config/config-keys.ts";
export { type EffectiveConfig, effectiveConfig } from "../config/effective-config.ts";
export { meterOf } from "../config/meter-of.ts";
export {
  type Alert,
  type AlertFigures,
  type AlertThresholds,
  alertsOf,
} from "../metrics/alerts.ts";
export type {
  Measurement,
  MeasurementObserver,
  OptimizationKind,
  SafetyFacts,
} from "../metrics/measurement.ts";
export {
  type Aggregate,
  MeasurementWindow,
  type SafetyAggregate,
} from "../metrics/measurement-window.ts";
export { type MeasuringOptions, Meter, type Tracking } from "../metrics/meter.ts";
export { BatchBuilder, batch } from "./batch.ts";
export type { BatchResult } from "./batch-result.ts";
export { type Edit, replaceText } from "./edit.ts";
export { editExtents } from "./edit-extents.ts";
export { evolveTemplate } from "./evolve-template.ts";
export { extractTemplate } from "./extract-template.ts";
export { type FoundTemplate, findTemplates, findTemplatesIn } from "./find-templates.ts";
export {
  type HindsightSummary,
  judge,
  judgeOnOverlay,
  summarize,
  type Verdict,
} from "./hindsight.ts";
export { matchTemplate } from "./match-template.ts";
export { type EditsByPath, type MultiEditResult, multiEdit } from "./multi-edit.ts";
export type { Operation } from "./operation.ts";
export { type Decision, decide, explain, type OperationFeatures } from "./optimizer.ts";
export {
  type ExplicitSettings,
  type OptimizerSettings,
  optimizerSettingsOf,
} from "./optimizer-settings.ts";
export type { EngineOverlay } from "./overlay-port.ts";
export { type Recording, type RecordOptions, recordTrace } from "./record-trace.ts";
export {
  type ReplayOptions,
  type ReplayRow,
  type ReplayStrategy,
  replayTable,
  replayTrace,
} from "./replay-trace.ts";
export { RootedPipeline } from "./rooted-pipeline.ts";
export { type BatchOptions, runBatch } from "./run-batch.ts";
export { runOptimized } from "./run-optimized.ts";
export { createStreamWriter, readStream, transformStream, writeStream } from "./stream.ts";
export { compileTemplate, renderTemplate, type Template, type TemplateData } from "./template.ts";
export { TemplateCache } from "./template-cache.ts";
export { batchFromTemplate } from "./template-files.ts";
export { type BaseNode, parseTrace, type Trace } from "./trace.ts";
export type { ChangeTraceOptions } from "./trace-changes.ts";
export { type Transaction, transaction } from "./transaction.ts";
export {
  type DecisionRecord,
  type Fallback,
  type FlushResult,
  type PipelineOptions,
  WritePipeline,
} from "./write-pipeline.ts";
