/**
 * Training: language models on the corpus; vectors, adapters or all weights by RLOO; sparse autoencoders of activation
 * differences; tokenizers, the optimizer they share.
 *
 * @module
 */
export {
  AdamW,
  ADAMW_DEFAULTS,
  type AdamWSettings,
  type AdamWState,
  clipToNorm,
  globalNorm,
  type Parameters,
} from "./adamw.ts";
export {
  type BpeVocabulary,
  DEFAULT_BPE_PATTERN,
  type TokenizerFiles,
  tokenizerFiles,
  tokenizerTexts,
  trainBpe,
} from "./train_bpe.ts";
export { CHAT_FORMATS, type ChatFormat, type ChatFormatName } from "./chat_format.ts";
export { type DiffSaeConfig, parseDiffSaeConfig } from "./diff_sae_config.ts";
export { adjointName, languageModelGraph } from "./language_model_graph.ts";
export { parameterSet } from "./parameter_set.ts";
export { initialWeights, pretrain, type PretrainStep } from "./pretrain.ts";
export {
  type FineTuneConfig,
  type FreshConfig,
  type InitialSpreads,
  parsePretrainConfig,
  type PretrainConfig,
  type TrainingSettings,
} from "./pretrain_config.ts";
export { type GradedRollout, leaveOneOutAdvantages, type StepWeights, stepWeights } from "./rloo.ts";
export { parseRunName, runName, type RunTarget } from "./run_name.ts";
export {
  diffSaeProblems,
  type DiffSaeRecipe,
  diffSaeTexts,
  type DiffSaeTextsOptions,
  parseDiffSaeRecipe,
  type ResidualDifferenceOptions,
  residualDifferences,
} from "./residual_differences.ts";
export { type Schedule, scheduleFactor } from "./schedule.ts";
export {
  decodeTopK,
  encodeTopK,
  normaliseDecoder,
  type SparseAutoencoderAdjoints,
  type SparseAutoencoderStep,
  sparseAutoencoderStep,
  type SparseCodes,
  type SparseFit,
  sparseFit,
} from "./sparse_autoencoder.ts";
export { pretrainRunHash, retemplated, type StartingPoint, startingPoint } from "./starting_point.ts";
export {
  type AnsweredText,
  type ResidualNorms,
  residualNorms,
  type Steerability,
  steerTowards,
  type SteerTowardsOptions,
} from "./steerability.ts";
export {
  parseSteeringConfig,
  REWARDS,
  type SteeringConfig,
  TRAINED_KINDS,
  type TrainedKind,
  type TrainingData,
  trainingDataFault,
} from "./steering_config.ts";
export { type DiffSaeRun, diffSaeRunHash, type DiffSaeStep, trainDiffSae } from "./train_diff_sae.ts";
export { type TrainingProblem, trainingProblems } from "./training_problems.ts";
export { type SteeringRun, steeringRunHash, type SteeringStep, trainSteering } from "./train_steering.ts";
export { type TrainingCost, trainingCost, type TrainingCostOptions } from "./training_cost.ts";
export {
  dropTrainingState,
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
  writeTrainingLog,
} from "./training_state.ts";
export type { ParameterSet, TrainedResult } from "./trained_parameters.ts";
export { weightSet } from "./weight_set.ts";
export { untrainedAdjoints, type UntrainedBatches } from "./untrained_adjoints.ts";
