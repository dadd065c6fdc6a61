import { mean, RandomStream } from "../../core/mod.ts";
import {
  type BootstrapOptions,
  bootstrapSettings,
  type Interval,
  percentileInterval,
} from "../accuracy/_bootstrap.ts";

/** A mean with a bootstrap interval, in the values' unit. */
export interface MeanInterval extends Interval {
  /** Mean of the values. */
  readonly mean: number;
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
  return { mean: mean(values), ...percentileInterval(means, level) };
}
