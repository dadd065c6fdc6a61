import { mean, RandomStream } from "../../core/mod.ts";
import {
  type BootstrapOptions,
  bootstrapSettings,
  drawTimes,
  percentileInterval,
} from "../accuracy/_bootstrap.ts";

/** A ratio of two means with a bootstrap interval; all null when it is not applicable. */
export interface MeanRatio {
  /** Mean of the numerators over the mean of the denominators. */
  readonly ratio: number | null;
  /** Lower end of the interval. */
  readonly low: number | null;
  /** Upper end of the interval. */
  readonly high: number | null;
  /** Coverage of the interval. */
  readonly level: number;
}

/**
 * How large one quantity is beside another that is never negative, both measured on the same units (one pair per
 * text): ratio of the means, with a percentile bootstrap interval over the units. Null when every denominator is 0.
 * Draws of units whose denominators are all 0 are left out.
 *
 * @throws RangeError for an empty list, values that are not finite, and negative denominators.
 */
export function meanRatio(
  pairs: readonly (readonly [numerator: number, denominator: number])[],
  options: BootstrapOptions = {},
): MeanRatio {
  const { draws, level, seed } = bootstrapSettings(options);
  if (pairs.length === 0) {
    throw new RangeError("Cannot take a ratio as it needs at least one pair: current count is 0");
  }
  const wrong = pairs.find(([above, below]) => !Number.isFinite(above) || !(below >= 0 && below < Infinity));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot take a ratio as pairs must be finite, their second number not negative: current pair is [${wrong}]`,
    );
  }
  const below = mean(pairs.map(([, value]) => value));
  if (below === 0) return { ratio: null, low: null, high: null, level };
  const stream = new RandomStream(seed, "mean ratio", pairs.length);
  const ratios: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const times = drawTimes(stream, pairs.length);
    let numerator = 0, denominator = 0;
    pairs.forEach(([value, of], unit) => {
      numerator += value * (times[unit] as number);
      denominator += of * (times[unit] as number);
    });
    if (denominator > 0) ratios.push(numerator / denominator);
  }
  const ratio = mean(pairs.map(([value]) => value)) / below;
  // Few units may leave no draw with a denominator.
  if (ratios.length === 0) return { ratio, low: null, high: null, level };
  return { ratio, ...percentileInterval(ratios, level) };
}
