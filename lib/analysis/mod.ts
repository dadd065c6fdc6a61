/**
 * What measurements mean: accuracies with intervals, differences, recovered shares, shifts of next-token
 * probabilities and KL by token, position, role and route, gaps filled by patched heads, attention changes, pairs of
 * vectors, transfer between models, magnitudes of adapters, features of sparse autoencoders, the numbers behind box
 * plots; residual shifts along the layers, directions read through the unembedding, the languages of tokens, the shape
 * of a set of vectors; and how far a model lies from a golden file. Functions of arrays, but for the two that run a
 * model: evaluate and parity.
 *
 * @module
 */
export type { BenchmarkOutcomes, BootstrapOptions, OutcomeTable } from "./_bootstrap.ts";
export type { AccuracyDifference, RecoveredShare } from "./_resampled.ts";
export { type Attribution, attributionPatch } from "./attribution_patch.ts";
export { accuracyDifference, type AccuracyInterval, accuracyInterval } from "./accuracy.ts";
export { type AccuracyStatistic, accuracyStatistic } from "./accuracy_statistic.ts";
export {
  AdapterMagnitudes,
  leastSquaresLine,
  type MagnitudeReadOptions,
  type MagnitudeSummary,
  type MagnitudeTrace,
  pearson,
} from "./adapter_magnitude.ts";
export { AttentionChange, type AttentionPair, type HeadAttentionChange } from "./attention_change.ts";
export { type BoxStatistics, boxStatistics } from "./box_statistics.ts";
export {
  type FeatureExample,
  type FeatureExampleOptions,
  featureExamples,
  type FeatureTrace,
} from "./feature_examples.ts";
export {
  countFirings,
  type FeatureContrast,
  type FeatureFirings,
  type FeatureFrequencies,
  featureFrequencies,
  type FeatureFrequencyOptions,
  type TokenCodes,
} from "./feature_frequency.ts";
export {
  type SegmentRange,
  type SegmentShare,
  type SegmentShareOptions,
  SegmentShares,
  stripRow,
  TEXT_SEGMENTS,
  type TextSegment,
} from "./magnitude_segments.ts";
export {
  type AveragingOrder,
  type LayerMatrix,
  PAIR_CROSS_THRESHOLD,
  type PairAccuracies,
  type PairComposition,
  pairComposition,
  pairCrosses,
  pairGains,
  type PairNormalisation,
  type PairRun,
} from "./pair_composition.ts";
export {
  type GapInput,
  type GapReading,
  type GapShare,
  gapShares,
  type PatchedRun,
} from "./path_patching.ts";
export { compareValue, parity, type ParityRow } from "./parity.ts";
export { PARITY_VALUES, type ParityGolden, readParityGolden, writeGoldenModel } from "./parity_golden.ts";
export { rankCorrelation } from "./rank_correlation.ts";
export { recoveredShare, type RecoveredShareInput } from "./recovered_share.ts";
export { ROUTE_PAIRS, type RoutePair } from "./route_pairs.ts";
export { shiftProfile, type ShiftProfileOptions, type ShiftProfilePoint } from "./shift_profile.ts";
export {
  groupShifts,
  type GroupShiftsOptions,
  SHIFT_LABELINGS,
  type ShiftGroup,
  type ShiftLabeling,
} from "./shift_groups.ts";
export {
  type FollowedSeries,
  followedSeries,
  type PooledShifts,
  type PoolShiftOptions,
  poolShifts,
  type ShiftRow,
  type ShiftSample,
  type ShiftShares,
  shiftShares,
} from "./shift_rows.ts";
export { type ClassShift, classShifts, TOKEN_CLASSES, type TokenClass, tokenClass } from "./token_class.ts";
export { correlationInterval, type TextColumns, type TextInterval, textInterval } from "./text_resampling.ts";
export { type TransferCell, type TransferRow, transferTable } from "./transfer.ts";
export { type MeanRatio, meanRatio } from "./mean_ratio.ts";
export { type MeanInterval, meanInterval } from "./mean_interval.ts";
export { type AskedProblem, evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
export {
  type CosineDistribution,
  cosineDistribution,
  type CosineDistributionOptions,
  symmetricEdges,
} from "./cosine_distribution.ts";
export { detectableDifference } from "./detectable_difference.ts";
export { type ExplainedVariance, explainedVariance, type PredictedText } from "./explained_variance.ts";
export { type FinalNorm, throughFinalNorm } from "./final_norm.ts";
export { finalShiftSimilarity, type SimilarityBlocks, similarityBlocks } from "./final_shift_similarity.ts";
export { type ShiftIntervals, shiftIntervals } from "./shift_intervals.ts";
export { type Histogram, histogram } from "./histogram.ts";
export {
  compareNonEnglish,
  type LanguageComparison,
  type LanguageControl,
  type LanguageShares,
  languageShares,
  randomLanguageShares,
  type RandomSharesOptions,
} from "./language_shares.ts";
export {
  type CosineAverages,
  type CosineEstimate,
  type PersistenceCell,
  type PersistenceOptions,
  PersistenceSums,
  type TextShifts,
} from "./persistence.ts";
export type { ShiftTotals } from "./_shift_sums.ts";
export {
  NON_ENGLISH_LANGUAGES,
  TOKEN_LANGUAGES,
  type TokenLanguage,
  tokenLanguage,
  type TokenLanguageOptions,
  vocabularyLanguages,
  type VocabularyLanguagesOptions,
  type WordLists,
} from "./token_language.ts";
export {
  type LensReading,
  type LensToken,
  lensTokens,
  type LensTokensOptions,
  meanReading,
  TokenLens,
} from "./token_lens.ts";
export {
  cosineMatrix,
  type VectorGeometry,
  vectorGeometry,
  type VectorGeometryOptions,
} from "./vector_geometry.ts";
export { logitLens, type LogitLensOptions } from "./logit_lens.ts";
export { ablate, type AblationParts } from "./ablate.ts";
export {
  type ContrastOptions,
  type ContrastPair,
  differenceOfMeans,
  type PrincipalDirection,
  principalDirections,
} from "./contrast_vectors.ts";
