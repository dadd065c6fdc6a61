/**
 * Prompts to tokens: the in-graph loop, sampling, log-probabilities, and the model that ties graphs together.
 *
 * @module
 */
export { positionsText } from "./check_positions.ts";
export { type Adapter, adapterFeeds, type Adapters, checkAdapters } from "./adapter.ts";
export {
  mergeVectors,
  pairVectors,
  randomDirections,
  rearrangeVectors,
  scaleVectors,
  sumVectors,
} from "./compose_vectors.ts";
export {
  type AddedLayers,
  additionFeeds,
  type Additions,
  type PlannedChanges,
  type SequenceOptions,
  servedLayers,
} from "./additions.ts";
export { type ByLayer, byLayer } from "./by_layer.ts";
export type {
  CompletionOptions,
  CompletionPrompt,
  FinishReason,
  StreamedToken,
  TextCompletion,
} from "./completions.ts";
export { LanguageModel } from "./language_model.ts";
export type { AdjointOptions, ScoringOptions, SteeringAdjoints } from "./scoring_options.ts";
export type { LogitAttribution, LogitAttributionOptions } from "./logit_attribution.ts";
export { lastTokens, type TopToken, topTokens, valueAt } from "./reading.ts";
export { MemoryBudget } from "./memory_budget.ts";
export type { SessionNews } from "./_model_sessions.ts";
export type { OpenOptions } from "./open_options.ts";
export type { GraphRun, OwnGraph } from "./own_graph.ts";
export { type PaddedBatch, padRight } from "./padded_batch.ts";
export { type PromptOptions, promptText, promptTokens } from "./prompt_tokens.ts";
export {
  type DrawingOptions,
  type Rollout,
  type RolloutEngine,
  type RolloutRequest,
  sampleRollouts,
  type SamplingOptions,
} from "./rollout.ts";
export { ROLLOUT_NAMES, rolloutGraph } from "./rollout_graph.ts";
export {
  logitDifference,
  type ObjectiveRow,
  type ObjectiveTarget,
  type SiteAdjointOptions,
  type SiteAdjoints,
} from "./site_adjoints.ts";
export type { BatchRows, Patch, Patches } from "./patches.ts";
export type { RunOptions, RunResult } from "./planned_run.ts";
export { type SteerAt, type SteeredRow, steerFactors } from "./steer_factors.ts";
export { type SharedDirection, sharedVectors } from "./shared_direction.ts";
export { checkSteering, layerMatrix, type SteeringVectors } from "./steering_vectors.ts";
export {
  type ComparedDistributions,
  type ComparedModels,
  type ProbabilityShift,
  tokenShifts,
  tokenShiftsGraph,
} from "./token_shifts.ts";
export {
  type ComparedStreams,
  type ComparedText,
  streamDifferenceGraph,
  type StreamDifferences,
  streamDifferences,
  type SummedDifferences,
} from "./stream_differences.ts";
export {
  chunkedTargets,
  overTargets,
  type Target,
  type TargetBatch,
  type WeightedRow,
} from "./target_batches.ts";
