/**
 * What a reproduction works with: the zoo's models and vectors, measurements kept under the hash of what made them,
 * and the steps from measurements to files.
 *
 * @module
 */
export {
  type AdapterTrace,
  adapterTraces,
  type AdapterTracesOptions,
  sharedTextMagnitudes,
} from "./adapter_traces.ts";
export { EvaluationPool, type EvaluationReply, type EvaluationTask } from "./evaluation_pool.ts";
export { type FeatureGeneration, type FeatureTraces, featureTraces } from "./feature_traces.ts";
export {
  type Condition,
  Laboratory,
  type Measurement,
  type MeasurementStep,
  type ProgressReport,
  STUDY_SIZES,
  type StudySize,
} from "./laboratory.ts";
export { promptSegments } from "./prompt_segments.ts";
export { reproduce, type ReproduceOptions, type RunFacts } from "./reproduce.ts";
export type { Bench, Findings, ItemClass, ModelRole, Reproduction } from "./reproduction.ts";
export { ResultStore } from "./store.ts";
export { toleranceFloors, UNCHECKED_METRICS } from "./tolerance_floors.ts";
export { derivedTreatment, type Treatment } from "./treatment.ts";
export { type RunName, type ZooAutoencoder, type ZooEntry, ZooModel } from "./zoo.ts";
