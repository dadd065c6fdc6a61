/**
 * White-box language models with gradients for TypeScript: run a Hugging Face decoder with taps and patches, steer
 * it with vectors, sample from it, and train steering vectors by reinforcement learning.
 *
 * @example
 * ```ts ignore
 * import { loadModel } from "@small-vectors/steering";
 * const model = await loadModel("./Qwen2.5-Math-7B");
 * const { logits, taps } = await model.run([tokens], { taps: ["blocks.14.resid_post"], steer: new Map([[14, vector]]) });
 * ```
 *
 * @module
 */
import { LanguageModel, type OpenOptions } from "./lib/decode/mod.ts";

export {
  type BorderArray,
  type BorderDType,
  type DType,
  InputError,
  type Json,
  type Tensor,
  tensor,
  zeros,
} from "./lib/core/mod.ts";
export type { Architecture, Checkpoint, ModelConfig } from "./lib/checkpoint/mod.ts";
export {
  ChatTokenizer,
  type ChatTurn,
  datasetPlace,
  type DecodeOptions,
  type EndToken,
  type EndTokenSource,
  fetchDataset,
  fetchFolder,
  type FetchFolderOptions,
  fetchModel,
  type FetchOptions,
  type FetchProgress,
  memoryFolder,
  type RenderChatOptions,
  type RopeScaling,
  type TensorEntry,
  type WeightEntry,
} from "./lib/checkpoint/mod.ts";
export {
  answerMessages,
  type AnswerMode,
  type AnswerReason,
  type AnswerVerdict,
  ARITHMETIC_FAMILIES,
  type ArithmeticFamily,
  BENCHMARK_SUITES,
  type BenchmarkData,
  type BenchmarkProblem,
  type BenchmarkSet,
  type BenchmarkSuite,
  type ChatMessage,
  compareAnswers,
  type Completion,
  extractAnswer,
  type ExtractedAnswer,
  type ExtractionFault,
  FAMILIES,
  type FamilyName,
  findAnswer,
  gradeBoxed,
  type Grader,
  GRADER_NAMES,
  GRADER_VERSIONS,
  type GraderName,
  graderNamed,
  type GraderOptions,
  type Judgement,
  lastNumber,
  parseSampleLine,
  type Problem,
  type ProblemFamily,
  PROMPT_TEMPLATES,
  type PromptTemplate,
  readBenchmark,
  type SampleLine,
  sampleLine,
  type SuiteName,
  testSet,
  trainProblem,
  type Verdict,
  type VerdictReason,
} from "./lib/problems/mod.ts";
export type { Device } from "./lib/runtime/mod.ts";
export {
  ADAPTER_SITE_KINDS,
  type ComputeDType,
  HEAD_NORM_SITE_KINDS,
  type Site,
  SITE_KINDS,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "./lib/model/mod.ts";
export {
  type DifferenceAutoencoder,
  type FeatureAblation,
  type LastBlockPatch,
  lastBlockPatchText,
  type Operator,
  type Operators,
  parseLastBlockPatch,
  type SteeringRoute,
  VECTOR_PLACES,
  type VectorPlace,
} from "./lib/probe/mod.ts";
export {
  type Adapter,
  type Adapters,
  type Additions,
  type AdjointOptions,
  type ByLayer,
  type CompletionOptions,
  type CompletionPrompt,
  type FinishReason,
  LanguageModel,
  lastTokens,
  type LogitAttribution,
  type LogitAttributionOptions,
  logitDifference,
  mergeVectors,
  type ObjectiveRow,
  type ObjectiveTarget,
  type OpenOptions,
  pairVectors,
  type Patch,
  type Patches,
  type PromptOptions,
  promptTokens,
  type Rollout,
  type RolloutRequest,
  type RunOptions,
  type RunResult,
  type SamplingOptions,
  scaleVectors,
  type ScoringOptions,
  type SequenceOptions,
  type SessionNews,
  type SharedDirection,
  sharedVectors,
  type SiteAdjointOptions,
  type SiteAdjoints,
  type SteerAt,
  type SteeringAdjoints,
  type SteeringVectors,
  type StreamedToken,
  sumVectors,
  type TextCompletion,
  type TopToken,
  topTokens,
  valueAt,
  type WeightedRow,
} from "./lib/decode/mod.ts";
export {
  AUTOENCODER_FORMATS,
  type AutoencoderFormat,
  type BiasedForm,
  FILE_FORMATS,
  type FileFormat,
  type FloatArray,
  formatOf,
  loadBiasVectors,
  loadControlVector,
  loadNpyVectors,
  loadSvec,
  loadTorchVectors,
  loadTrained,
  loadVectors,
  readSparseAutoencoder,
  saveAdapters,
  saveBiasedModel,
  saveControlVector,
  saveNpyVectors,
  saveSharedDirection,
  saveSvec,
  saveVectors,
  type SparseAutoencoder,
  type SparseAutoencoderFile,
  type TrainedFile,
  type VectorFile,
  writeSparseAutoencoder,
} from "./lib/vectors/mod.ts";
export {
  type GradedRollout,
  leaveOneOutAdvantages,
  type Parameters,
  parseSteeringConfig,
  type SteeringConfig,
  type SteeringRun,
  type SteeringStep,
  type StepWeights,
  stepWeights,
  TRAINED_KINDS,
  type TrainedKind,
  type TrainedResult,
  type TrainingData,
  type TrainingProblem,
  trainSteering,
} from "./lib/train/mod.ts";
export {
  ablate,
  type AblationParts,
  type AccuracyInterval,
  accuracyInterval,
  type AskedProblem,
  type Attribution,
  attributionPatch,
  type BenchmarkOutcomes,
  type BootstrapOptions,
  type ContrastOptions,
  type ContrastPair,
  differenceOfMeans,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  logitLens,
  type LogitLensOptions,
  type OutcomeTable,
  type PrincipalDirection,
  principalDirections,
  saliency,
} from "./lib/analysis/mod.ts";

/**
 * Opens a model: a Hugging Face folder with config.json, safetensors and a tokenizer, or `owner/name@revision` of a
 * model in the hub cache (see {@link fetchModel}).
 *
 * @example
 * ```ts
 * import { answerMessages, loadModel } from "@small-vectors/steering";
 * const model = await loadModel("./fixtures/embedded/base-a");
 * const tokenizer = await model.tokenizer();
 * const tokens = tokenizer.encodeChat(answerMessages("If 3n + 32 = 47, what is n?"));
 * const [rollout] = await model.generate([{ tokens, prompt: 0, sample: 0 }], { maxNewTokens: 64, temperature: 0 });
 * if (!tokenizer.decode(rollout?.tokens ?? []).includes("\\boxed{5}")) throw new Error("3 · 5 + 32 = 47");
 * await model.release();
 * ```
 *
 * @throws {InputError} for anything wrong with the folder, in one line that says what and where.
 */
export function loadModel(folder: string, options: OpenOptions = {}): Promise<LanguageModel> {
  return LanguageModel.open(folder, options);
}
