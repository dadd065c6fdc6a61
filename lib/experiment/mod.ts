/**
 * What a reproduction works with: the zoo's models and vectors, measurements kept under the hash of what made them,
 * and the steps from measurements to files.
 *
 * @module
 */
export { adjointEnergies, type AdjointEnergy } from "./adjoint_energy.ts";
export { type AnswerContrasts, answerContrasts } from "./answer_contrasts.ts";
export { attentionMoves } from "./attention_moves.ts";
export {
  type AdapterTrace,
  adapterTraces,
  type AdapterTracesOptions,
  sharedTextMagnitudes,
} from "./adapter_traces.ts";
export {
  type EvaluationListeners,
  EvaluationPool,
  type EvaluationReply,
  type EvaluationRequest,
  type EvaluationTask,
} from "./evaluation_pool.ts";
export { type FeatureGeneration, type FeatureTraces, featureTraces } from "./feature_traces.ts";
export { Laboratory, type LaboratoryOptions } from "./laboratory.ts";
export type { Ask, Condition, Measurement, MeasurementStep, ProgressReport } from "./measurement.ts";
export {
  inTurn,
  type MeasurementStore,
  type PlannedAsk,
  PlanningStore,
  Unmeasured,
} from "./planning_store.ts";
export { type Propagation, propagation } from "./propagation.ts";
export { NotApplicable } from "./not_applicable.ts";
export { parseProfile, type ProblemFile, type Profile } from "./profile.ts";
export { artifactCost, measurementCost, parameterCount, type PartCost, type Rates } from "./part_cost.ts";
export { promptSegments } from "./prompt_segments.ts";
export { reproduce, type ReproduceOptions, type RunFacts } from "./reproduce.ts";
export {
  type Bench,
  type Findings,
  isFamily,
  type ItemClass,
  type ModelRole,
  type Reproduction,
} from "./reproduction.ts";
export { type RouteTrace, routeTraces, type TextClassShift, type TokenTextMean } from "./route_traces.ts";
export { type CodeFingerprint, SourceTree } from "./source_tree.ts";
export { type StoreContent, storeContent } from "./store_content.ts";
export { type ArchivedEvaluation, SampleArchive } from "./sample_archive.ts";
export { ResultStore, type StoreCounts, type StoreEntry } from "./result_store.ts";
export {
  generatedProblems,
  setsText,
  type StudyProblem,
  type StudyProblems,
  type StudySet,
} from "./study_problems.ts";
export { STUDY_SIZES, type StudySize } from "./study_size.ts";
export { metricKind, roundingOf } from "./rounding.ts";
export {
  additionsOf,
  derivedTreatment,
  type Treatment,
  type TreatmentAdditions,
  type TreatmentKey,
  treatmentKey,
} from "./treatment.ts";
export { type OpenerChance, openerChances } from "./opener_chance.ts";
export {
  type RunName,
  type TrainingRecord,
  type ZooAutoencoder,
  type ZooEntry,
  ZooModel,
} from "./zoo_model.ts";
export {
  type ArtifactBase,
  type ArtifactMark,
  artifactMark,
  type ArtifactState,
  artifactState,
  type AutoencoderArtifact,
  belongsTo,
  type ModelArtifact,
  profileFolder,
  type ProfileParts,
  type PublishedArtifact,
  publishedFolder,
  type RunArtifact,
  sourceFolder,
  type ZooArtifact,
  zooArtifacts,
} from "./zoo_artifacts.ts";
export {
  type CatalogueAutoencoder,
  type CatalogueModel,
  type CatalogueRun,
  type ModelSource,
  runConfig,
  type RunSettings,
  type ZooCatalogue,
} from "./zoo_catalogue.ts";
export { type VocabularyLens, vocabularyLens } from "./vocabulary_lens.ts";
