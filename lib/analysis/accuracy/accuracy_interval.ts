import { mean, standardDeviation } from "../../core/mod.ts";
import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  percentileInterval,
  requireSameProblems,
  resampleAccuracy,
} from "./_bootstrap.ts";
import { type AccuracyDifference, differenceOf } from "./_resampled.ts";

/** A mean accuracy and what is known of its uncertainty; accuracies in percent. */
export interface AccuracyInterval {
  /** Unweighted mean over benchmarks, averaged over evaluation seeds, then training seeds. */
  readonly percent: number;
  /** Lower end of the bootstrap interval. */
  readonly low: number;
  /** Upper end of the bootstrap interval. */
  readonly high: number;
  /** Coverage of the interval. */
  readonly level: number;
  /** Standard deviation of the bootstrap draws, in percentage points. */
  readonly standardError: number;
  /**
   * Population standard deviation over the evaluation seeds of a run, averaged over runs: the paper's ±. Null with a
   * single evaluation seed.
   */
  readonly evaluationSeedStd: number | null;
  /** Population standard deviation of the runs' means over training seeds. Null with a single training seed. */
  readonly trainingSeedStd: number | null;
  /** Mean of each training seed. */
  readonly perTrainingSeed: readonly number[];
  /** Mean of each benchmark. */
  readonly perBenchmark: Readonly<Record<string, number>>;
}

/**
 * Mean accuracy of a condition with a percentile bootstrap interval over problems (within each benchmark), training
 * seeds and evaluation seeds. With one training seed the interval says nothing about the spread of training.
 *
 * Source: per evaluation seed, the published score is the unweighted mean of the benchmark accuracies, its ± the
 * population standard deviation over evaluation seeds (class: code); the interval is ours.
 *
 * @throws RangeError for outcomes other than 0 and 1, ragged seeds, or ragged problems.
 *
 * @example
 * ```ts
 * import { accuracyInterval } from "@small-vectors/steering";
 * const easy = [[[[1], [1]]]], hard = [[[[0], [1]]]]; // one training seed, one evaluation seed, two problems
 * const { percent } = accuracyInterval({ easy, hard }, { draws: 100 });
 * if (percent !== 75) throw new Error(`expected 75, got ${percent}`);
 * ```
 */
export function accuracyInterval(
  outcomes: BenchmarkOutcomes,
  options: BootstrapOptions = {},
): AccuracyInterval {
  const settings = bootstrapSettings(options);
  const { percent, draws, perSeed, perBenchmark } = resampleAccuracy(outcomes, settings);
  const perTrainingSeed = perSeed.map((run) => mean(run));
  return {
    percent,
    ...percentileInterval(draws, settings.level),
    standardError: standardDeviation([...draws]),
    evaluationSeedStd: perSeed.some((run) => run.length < 2)
      ? null
      : mean(perSeed.map((run) => standardDeviation(run))),
    trainingSeedStd: perTrainingSeed.length < 2 ? null : standardDeviation(perTrainingSeed),
    perTrainingSeed,
    perBenchmark,
  };
}

/**
 * How far the accuracy of `a` lies above that of `b`, both measured on the same problems. Each draw picks the same
 * problems for both, and the same seeds where both have as many, so what they share cancels.
 *
 * @throws RangeError when the two do not answer the same problems.
 */
export function accuracyDifference(
  a: BenchmarkOutcomes,
  b: BenchmarkOutcomes,
  options: BootstrapOptions = {},
): AccuracyDifference {
  requireSameProblems(a, b);
  const settings = bootstrapSettings(options);
  const first = resampleAccuracy(a, settings), second = resampleAccuracy(b, settings);
  return differenceOf(first, second, settings.level);
}
