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

export { InputError, type Tensor, tensor, zeros } from "./lib/core/mod.ts";
export type { Architecture, ChatTokenizer, Checkpoint, ModelConfig } from "./lib/checkpoint/mod.ts";
export {
  datasetPlace,
  fetchDataset,
  fetchFolder,
  type FetchFolderOptions,
  fetchModel,
  type FetchOptions,
  type FetchProgress,
  memoryFolder,
} from "./lib/checkpoint/mod.ts";
export {
  answerMessages,
  type AnswerMode,
  type AnswerReason,
  type AnswerVerdict,
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
  GRADER_VERSIONS,
  type GraderName,
  graderNamed,
  type GraderOptions,
  type Judgement,
  lastNumber,
  parseSampleLine,
  type Problem,
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
  HEAD_NORM_SITE_KINDS,
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
  parseLastBlockPatch,
  type SteeringRoute,
  VECTOR_PLACES,
  type VectorPlace,
} from "./lib/probe/mod.ts";
export {
  type Adapter,
  type Adapters,
  type Additions,
  LanguageModel,
  logitDifference,
  mergeVectors,
  type ObjectiveRow,
  type ObjectiveTarget,
  type OpenOptions,
  pairVectors,
  type Patch,
  promptTokens,
  type Rollout,
  type RolloutRequest,
  type RunOptions,
  type RunResult,
  type SamplingOptions,
  scaleVectors,
  type ScoringOptions,
  type SessionNews,
  type SharedDirection,
  sharedVectors,
  type SiteAdjointOptions,
  type SiteAdjoints,
  type SteeringAdjoints,
  type SteeringVectors,
  sumVectors,
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
  leaveOneOutAdvantages,
  type Parameters,
  parseSteeringConfig,
  type SteeringConfig,
  type SteeringRun,
  type SteeringStep,
  stepWeights,
  TRAINED_KINDS,
  type TrainedKind,
  type TrainedResult,
  trainSteering,
} from "./lib/train/mod.ts";
export {
  accuracyInterval,
  type AskedProblem,
  type Attribution,
  attributionPatch,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
} from "./lib/analysis/mod.ts";

/**
 * Opens a model: a Hugging Face folder with config.json, safetensors and a tokenizer, or `owner/name@revision` of a
 * model in the hub cache (see {@link fetchModel}).
 *
 * @example
 * ```ts
 * import { answerMessages, loadModel } from "./mod.ts";
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
