/**
 * Training: language models on the corpus; vectors, adapters or all weights by RLOO; tokenizers, the optimizer they share.
 *
 * @module
 */
export {
  AdamW,
  type AdamWSettings,
  type AdamWState,
  clipToNorm,
  globalNorm,
  type Parameters,
} from "./adamw.ts";
export {
  type BpeVocabulary,
  DEFAULT_BPE_PATTERN,
  QWEN_CHAT_TEMPLATE,
  SPECIAL_TOKENS,
  type TokenizerFiles,
  tokenizerFiles,
  tokenizerTexts,
  trainBpe,
} from "./bpe.ts";
export { adjointName, languageModelGraph } from "./language_model_graph.ts";
export { type ParameterSet, parameterSet, type TrainedResult } from "./parameter_set.ts";
export { initialWeights, pretrain, type PretrainStep } from "./pretrain.ts";
export { parsePretrainConfig, type PretrainConfig, type TrainingSettings } from "./pretrain_config.ts";
export { type GradedRollout, leaveOneOutAdvantages, type StepWeights, stepWeights } from "./rloo.ts";
export { type Schedule, scheduleFactor } from "./schedule.ts";
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
  type SteeringConfig,
  TRAINED_KINDS,
  type TrainedKind,
} from "./steering_config.ts";
export { type SteeringRun, type SteeringStep, trainSteering } from "./train_steering.ts";
export {
  dropTrainingState,
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
  writeTrainingLog,
} from "./training_state.ts";
export { weightSet } from "./weight_set.ts";
