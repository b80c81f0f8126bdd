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
export { BatchBuilder, batch } from "./batch/batch.ts";
export { type BatchOptions, runBatch } from "./batch/run-batch.ts";
export { type Transaction, transaction } from "./batch/transaction.ts";
export type { BatchResult } from "./batch-result.ts";
export { type Edit, replaceText } from "./coalesce/edit.ts";
export { editExtents } from "./coalesce/edit-extents.ts";
export { type EditsByPath, type MultiEditResult, multiEdit } from "./coalesce/multi-edit.ts";
export type { Operation } from "./operation.ts";
export type { Fallback } from "./optimizer/fallbacks.ts";
export {
  type HindsightSummary,
  judge,
  judgeOnOverlay,
  summarize,
  type Verdict,
} from "./optimizer/hindsight.ts";
export { type Decision, decide, explain, type OperationFeatures } from "./optimizer/optimizer.ts";
export { RootedPipeline } from "./optimizer/rooted-pipeline.ts";
export { runOptimized } from "./optimizer/run-optimized.ts";
export {
  type DecisionRecord,
  type FlushResult,
  type PipelineOptions,
  WritePipeline,
} from "./optimizer/write-pipeline.ts";
export {
  type ExplicitSettings,
  type OptimizerSettings,
  optimizerSettingsOf,
} from "./optimizer-settings.ts";
export type { EngineOverlay } from "./overlay-port.ts";
export { createStreamWriter, readStream, transformStream, writeStream } from "./stream/stream.ts";
export { evolveTemplate } from "./template/evolve-template.ts";
export { extractTemplate } from "./template/extract-template.ts";
export { type FoundTemplate, findTemplates, findTemplatesIn } from "./template/find-templates.ts";
export { matchTemplate } from "./template/match-template.ts";
export {
  compileTemplate,
  renderTemplate,
  type Template,
  type TemplateData,
} from "./template/template.ts";
export { TemplateCache } from "./template/template-cache.ts";
export { batchFromTemplate } from "./template/template-files.ts";
export { type Recording, type RecordOptions, recordTrace } from "./trace/record-trace.ts";
export {
  type ReplayOptions,
  type ReplayRow,
  type ReplayStrategy,
  replayTable,
  replayTrace,
} from "./trace/replay-trace.ts";
export { type BaseNode, parseTrace, type Trace } from "./trace/trace.ts";
export type { ChangeTraceOptions } from "./trace/trace-changes.ts";
