import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  type Interval,
  percentileInterval,
  requireSameProblems,
  resampleAccuracy,
} from "./_bootstrap.ts";

/** A number made of several accuracies, with its paired bootstrap interval. */
export interface AccuracyStatistic extends Interval {
  /** The statistic of the accuracies themselves. */
  readonly value: number;
}

/**
 * A statistic of the accuracies of several conditions on the same problems, in percent and in the order given: a
 * difference of differences, a mean of some minus another, a range. Each draw of the percentile bootstrap picks the
 * same problems for all conditions, and the same seeds where they have as many, and computes the statistic anew.
 *
 * The interval of a statistic that cannot be negative, such as a range, lies above that of its true value where the
 * conditions are noisy.
 *
 * @throws RangeError when there is no condition, they do not answer the same problems or the statistic is not finite.
 */
export function accuracyStatistic(
  conditions: readonly BenchmarkOutcomes[],
  statistic: (percents: readonly number[]) => number,
  options: BootstrapOptions = {},
): AccuracyStatistic {
  const first = conditions[0];
  if (first === undefined) {
    throw new RangeError("Cannot compute a statistic as it needs a condition: current count is 0");
  }
  for (const other of conditions.slice(1)) requireSameProblems(first, other);
  const settings = bootstrapSettings(options);
  const resamples = conditions.map((condition) => resampleAccuracy(condition, settings));
  const finite = (value: number): number => {
    // Rounded, so that equal accuracies give 0 and not the last bit of their sums.
    if (Number.isFinite(value)) return Math.round(value * 1e9) / 1e9;
    throw new RangeError(`Cannot compute a statistic as it must be finite: current value is ${value}`);
  };
  const value = finite(statistic(resamples.map(({ percent }) => percent)));
  const draws = Array.from(
    { length: settings.draws },
    (_, draw) => finite(statistic(resamples.map((resample) => resample.draws[draw] as number))),
  );
  return { value, ...percentileInterval(draws, settings.level) };
}
