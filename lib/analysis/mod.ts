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
export {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  type Interval,
  type OutcomeTable,
  percentileInterval,
} from "./accuracy/_bootstrap.ts";
export type { AccuracyDifference, RecoveredShare } from "./accuracy/_resampled.ts";
export { type Attribution, attributionPatch, saliency } from "./residual/attribution_patch.ts";
export { accuracyDifference, type AccuracyInterval, accuracyInterval } from "./accuracy/accuracy_interval.ts";
export { type AccuracyStatistic, accuracyStatistic } from "./accuracy/accuracy_statistic.ts";
export {
  AdapterMagnitudes,
  leastSquaresLine,
  type MagnitudeSummary,
  type MagnitudeTrace,
  pearson,
} from "./residual/adapter_magnitudes.ts";
export {
  AttentionChange,
  type AttentionPair,
  type HeadAttentionChange,
} from "./residual/attention_change.ts";
export { type BoxStatistics, boxStatistics } from "./statistics/box_statistics.ts";
export {
  type FeatureExample,
  type FeatureExampleOptions,
  featureExamples,
  type FeatureTrace,
} from "./features/feature_examples.ts";
export {
  countFirings,
  type FeatureContrast,
  type FeatureFirings,
  type FeatureFrequencies,
  featureFrequencies,
  type FeatureFrequencyOptions,
  type TokenCodes,
} from "./features/feature_frequencies.ts";
export {
  type SegmentRange,
  type SegmentShare,
  type SegmentShareOptions,
  SegmentShares,
  stripRow,
  TEXT_SEGMENTS,
  type TextSegment,
} from "./residual/segment_shares.ts";
export {
  type LayerMatrix,
  PAIR_CROSS_THRESHOLD,
  type PairAccuracies,
  type PairComposition,
  pairComposition,
  pairCrosses,
  pairGains,
  type PairNormalisation,
  type PairRun,
} from "./accuracy/pair_composition.ts";
export {
  type GapInput,
  type GapReading,
  type GapShare,
  gapShares,
  type PatchedRun,
} from "./tokens/gap_shares.ts";
export { compareValue, parity, type ParityRow } from "./parity.ts";
export { PARITY_VALUES, type ParityGolden, readParityGolden, writeGoldenModel } from "./parity_golden.ts";
export { rankCorrelation } from "./statistics/rank_correlation.ts";
export { recoveredShare, type RecoveredShareInput } from "./accuracy/recovered_share.ts";
export { ROUTE_PAIRS, type RoutePair } from "./residual/route_pairs.ts";
export { shiftProfile, type ShiftProfilePoint } from "./tokens/shift_profile.ts";
export { groupShifts, type ShiftGroup } from "./tokens/group_shifts.ts";
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
} from "./tokens/shift_rows.ts";
export {
  type ClassShift,
  classShifts,
  TOKEN_CLASSES,
  type TokenClass,
  tokenClass,
} from "./tokens/token_class.ts";
export {
  correlationInterval,
  type TextColumns,
  type TextInterval,
  textInterval,
} from "./statistics/text_interval.ts";
export { type TransferCell, type TransferRow, transferTable } from "./accuracy/transfer_table.ts";
export { type MeanRatio, meanRatio } from "./statistics/mean_ratio.ts";
export { type MeanInterval, meanInterval } from "./statistics/mean_interval.ts";
export { type AskedProblem, evaluate, type EvaluateOptions, type Evaluation } from "./accuracy/evaluate.ts";
export {
  type CosineDistribution,
  cosineDistribution,
  type CosineDistributionOptions,
  symmetricEdges,
} from "./residual/cosine_distribution.ts";
export { detectableDifference } from "./accuracy/detectable_difference.ts";
export { type FinalNorm, throughFinalNorm } from "./residual/final_norm.ts";
export {
  finalDifferenceSimilarity,
  type SimilarityBlocks,
  similarityBlocks,
} from "./residual/final_difference_similarity.ts";
export { type DifferenceIntervals, differenceIntervals } from "./residual/difference_intervals.ts";
export { type Histogram, histogram } from "./statistics/histogram.ts";
export {
  type LanguageShares,
  languageShares,
  randomLanguageShares,
  type RandomSharesOptions,
} from "./tokens/language_shares.ts";
export {
  type CosineAverages,
  type CosineEstimate,
  type PersistenceCell,
  type PersistenceOptions,
  PersistenceSums,
  type TextDifferences,
} from "./residual/persistence_sums.ts";
export type { DifferenceTotals } from "./residual/_difference_sums.ts";
export {
  NON_ENGLISH_LANGUAGES,
  TOKEN_LANGUAGES,
  type TokenLanguage,
  tokenLanguage,
  vocabularyLanguages,
} from "./tokens/token_language.ts";
export {
  type LensReading,
  type LensToken,
  lensTokens,
  type LensTokensOptions,
  meanReading,
  TokenLens,
} from "./tokens/token_lens.ts";
export {
  cosineMatrix,
  type VectorGeometry,
  vectorGeometry,
  type VectorGeometryOptions,
} from "./residual/vector_geometry.ts";
export { logitLens, type LogitLensOptions } from "./tokens/logit_lens.ts";
export { ablate, type AblationParts } from "./residual/ablate.ts";
export {
  type ContrastOptions,
  type ContrastPair,
  differenceOfMeans,
  type PrincipalDirection,
  principalDirections,
} from "./residual/contrast_vectors.ts";
