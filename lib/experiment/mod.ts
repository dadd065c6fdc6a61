/**
 * What a reproduction works with: the zoo's models and vectors, measurements kept under the hash of what made them,
 * and the steps from measurements to files.
 *
 * @module
 */
export { EvaluationPool, type EvaluationReply, type EvaluationTask } from "./evaluation_pool.ts";
export {
  type Condition,
  Laboratory,
  type Measurement,
  type MeasurementStep,
  type ProgressReport,
  STUDY_SIZES,
  type StudySize,
} from "./laboratory.ts";
export { type Propagation, propagation } from "./propagation.ts";
export { reproduce, type ReproduceOptions, type RunFacts } from "./reproduce.ts";
export type { Bench, Findings, ItemClass, ModelRole, Reproduction } from "./reproduction.ts";
export { ResultStore } from "./store.ts";
export { toleranceFloors, UNCHECKED_METRICS } from "./tolerance_floors.ts";
export { derivedTreatment, type Treatment } from "./treatment.ts";
export { type VocabularyLens, vocabularyLens } from "./vocabulary_lens.ts";
export { type RunName, type ZooEntry, ZooModel } from "./zoo.ts";
