import { mean, quantile, RandomStream } from "../../core/mod.ts";
import { type BootstrapOptions, bootstrapSettings } from "../accuracy/_bootstrap.ts";

/** A mean with a bootstrap interval, in the values' unit. */
export interface MeanInterval {
  /** Mean of the values. */
  readonly mean: number;
  /** Lower end of the interval. */
  readonly low: number;
  /** Upper end of the interval. */
  readonly high: number;
  /** Coverage of the interval. */
  readonly level: number;
}

/** Lists of picks that are kept, and how long one may be: items ask again and again for means over as many texts. */
const KEPT_LISTS = 8, MOST_KEPT_PICKS = 1_000_000;
const keptPicks = new Map<string, Uint32Array>();

/** The units that all draws pick with replacement, one draw after the other. */
function picks(
  asked: { readonly count: number; readonly draws: number; readonly seed: number },
): () => number {
  const { count, draws, seed } = asked, key = JSON.stringify([count, draws, seed]);
  const stream = new RandomStream(seed, "mean interval", count);
  const pick = () => stream.integer({ below: count });
  if (draws * count > MOST_KEPT_PICKS) return pick;
  const list = keptPicks.get(key) ?? Uint32Array.from({ length: draws * count }, pick);
  if (keptPicks.size >= KEPT_LISTS) keptPicks.clear();
  keptPicks.set(key, list);
  let at = 0;
  return () => list[at++] as number;
}

/**
 * Mean of values that stand for independent units (one number per text), with a percentile bootstrap interval over
 * the units. Deterministic for a seed.
 *
 * @throws RangeError for an empty list, a value that is not finite, and options out of range.
 *
 * @example
 * ```ts
 * import { meanInterval } from "../mod.ts";
 * const { mean, low, high } = meanInterval([0, 1, 2, 3]);
 * if (mean !== 1.5 || !(low < 1.5) || !(high > 1.5)) throw new Error("the interval holds the mean");
 * ```
 */
export function meanInterval(values: readonly number[], options: BootstrapOptions = {}): MeanInterval {
  const { draws, level, seed } = bootstrapSettings(options);
  if (values.length === 0) {
    throw new RangeError("Cannot take an interval as it needs at least one value: current count is 0");
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(`Cannot take an interval as value ${wrong} must be finite: it is ${values[wrong]}`);
  }
  const count = values.length, pick = picks({ count, draws, seed });
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[pick()] as number;
    return sum / count;
  });
  const tail = (1 - level) / 2;
  return { mean: mean(values), low: quantile(means, tail), high: quantile(means, 1 - tail), level };
}
