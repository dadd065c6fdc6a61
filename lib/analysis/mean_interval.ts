import { mean, quantile, RandomStream } from "../core/mod.ts";

/** A mean with a bootstrap interval, in the values' unit. */
export interface MeanInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Coverage of the interval. */
  readonly level: number;
}

/**
 * Mean of values that stand for independent units (one number per text), with a percentile bootstrap interval over
 * the units. Deterministic for a seed.
 *
 * `@default {draws: 2000, level: 0.95, seed: 0}`
 *
 * @example
 * ```ts
 * import { meanInterval } from "./mod.ts";
 * const { mean, low, high } = meanInterval([1, 1, 1]);
 * if (mean !== 1 || low !== 1 || high !== 1) throw new Error("no spread, no width");
 * ```
 *
 * @throws {RangeError} for an empty list.
 */
export function meanInterval(
  values: readonly number[],
  options: { readonly draws?: number; readonly level?: number; readonly seed?: number } = {},
): MeanInterval {
  const { draws = 2000, level = 0.95, seed = 0 } = options;
  if (values.length === 0) {
    throw new RangeError("Cannot take an interval as it needs at least one value: got none");
  }
  const stream = new RandomStream(seed, "mean interval", values.length);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[stream.integer({ below: values.length })] as number;
    return sum / values.length;
  });
  const tail = (1 - level) / 2;
  return { mean: mean(values), low: quantile(means, tail), high: quantile(means, 1 - tail), level };
}
