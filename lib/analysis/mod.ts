/**
 * What measurements mean: accuracies with intervals, differences, recovered shares, shifts of next-token
 * probabilities and their groups, the numbers behind box plots, and how far a
 * model lies from a golden file. Functions of arrays, but for the two that run a model: evaluate and parity.
 *
 * @module
 */
export {
  type AccuracyDifference,
  accuracyDifference,
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
  type BootstrapOptions,
  type OutcomeTable,
} from "./accuracy.ts";
export { type BoxStatistics, boxStatistics } from "./box_statistics.ts";
export { compareValue, parity, type ParityRow } from "./parity.ts";
export { PARITY_VALUES, type ParityGolden, readParityGolden, writeGoldenModel } from "./parity_golden.ts";
export {
  type ProbabilityShift,
  probabilityShift,
  type ProbabilityShiftOptions,
} from "./probability_shift.ts";
export { type RecoveredShare, recoveredShare, type RecoveredShareInput } from "./recovered_share.ts";
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
export { type MeanInterval, meanInterval } from "./mean_interval.ts";
export { type AskedProblem, evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
