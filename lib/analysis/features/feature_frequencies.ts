import { quantile, RandomStream } from "../../core/mod.ts";
import { type BootstrapOptions, bootstrapSettings, percentileInterval } from "../accuracy/_bootstrap.ts";

/** Which features of a sparse autoencoder fired in one generation, and on how many of its tokens. */
export interface FeatureFirings {
  /** Whether the generation was graded right. */
  readonly correct: boolean;
  /** Tokens that were read. */
  readonly tokens: number;
  /** Features that fired at least once, ascending. */
  readonly features: Int32Array;
  /** Tokens on which each of them fired, ≥ 1. */
  readonly counts: Int32Array;
  /** What generations are compared within, say the problem. All or none have one. */
  readonly stratum?: string | number;
}

/** Sparse codes of one generation's tokens, as a TopK autoencoder gives them; both [seq, active]. */
export interface TokenCodes {
  /** Feature of each entry. */
  readonly indices: ArrayLike<number>;
  /** Its activation; 0 where fewer features were active. */
  readonly values: ArrayLike<number>;
}

/**
 * Counts on how many tokens of a generation each feature fired: an activation above 0.
 *
 * @throws RangeError when indices and values differ in length or do not fill `tokens` rows.
 */
export function countFirings(
  codes: TokenCodes,
  generation: { readonly tokens: number; readonly correct: boolean; readonly stratum?: string | number },
): FeatureFirings {
  const { indices, values } = codes, { tokens } = generation;
  if (
    !Number.isInteger(tokens) || tokens < 1 || indices.length !== values.length ||
    values.length % tokens !== 0
  ) {
    throw new RangeError(
      `Cannot count firings as indices and values must fill ${tokens} rows: got ${indices.length} and ${values.length}`,
    );
  }
  const fired = new Map<number, number>();
  for (let entry = 0; entry < values.length; entry++) {
    if (!((values[entry] as number) > 0)) continue;
    const feature = indices[entry] as number;
    fired.set(feature, (fired.get(feature) ?? 0) + 1);
  }
  const sorted = [...fired].sort(([a], [b]) => a - b);
  return {
    ...generation,
    features: Int32Array.from(sorted, ([feature]) => feature),
    counts: Int32Array.from(sorted, ([, count]) => count),
  };
}

/** How often one feature fires on right and on wrong generations. */
export interface FeatureContrast {
  /** Index of the feature. */
  readonly feature: number;
  /** Mean share of tokens it fires on, over right generations. */
  readonly onCorrect: number;
  /** The same over wrong ones. */
  readonly onIncorrect: number;
  /**
   * onCorrect − onIncorrect; where there are strata the mean of their own differences, each with the weight
   * n₁ n₀ / n of its n₁ right and n₀ wrong generations, which is what `z` tests.
   */
  readonly difference: number;
  /** Lower end of its bootstrap interval. */
  readonly low: number;
  /** Upper end of its bootstrap interval. */
  readonly high: number;
  /** The difference, within strata where there are, over its standard error under the null; signed. */
  readonly z: number;
  /** Chance of any feature's |z| reaching this one's when correctness is shuffled, (1 + hits)/(1 + permutations). */
  readonly adjustedP: number;
}

/** The features that differ most, and the null they are held against. */
export interface FeatureFrequencies {
  /** Features by |z|, the largest first; equal ones by index. */
  readonly top: readonly FeatureContrast[];
  /** The |z| that the best feature exceeds in 1 − level of the shuffles: the null band of the plot. */
  readonly nullZ: number;
  /** Features of all whose |z| lies above `nullZ`. */
  readonly beyondNull: number;
  /** Coverage of intervals, and one minus the family-wise error of `nullZ`. */
  readonly level: number;
  /** Right generations. */
  readonly correct: number;
  /** Wrong generations. */
  readonly incorrect: number;
}

/** How features are compared. */
export interface FeatureFrequencyOptions extends BootstrapOptions {
  /** Size of the dictionary. */
  readonly features: number;
  /** How many features come back. @default {20} */
  readonly first?: number;
  /** Shuffles of correctness. @default {1000} */
  readonly permutations?: number;
}

/** z = (Σ over right generations of rate − expected) / scale: linear in the labels, so shuffles cost only that sum. */
interface Contrast {
  readonly expected: Float64Array;
  readonly scale: Float64Array;
}

function requireComparable(generations: readonly FeatureFirings[], features: number): void {
  const withStratum = generations.filter(({ stratum }) => stratum !== undefined).length;
  const right = generations.filter(({ correct }) => correct).length;
  if (right === 0 || right === generations.length) {
    throw new RangeError(
      `Cannot compare features as there must be right and wrong generations: ${right} of ${generations.length} are right`,
    );
  }
  if (withStratum !== 0 && withStratum !== generations.length) {
    throw new RangeError(
      `Cannot compare features as all generations or none must have a stratum: ${withStratum} of ${generations.length} do`,
    );
  }
  generations.forEach((generation, index) => {
    const { features: fired, counts, tokens } = generation;
    const sound = tokens > 0 && fired.length === counts.length &&
      fired.every((feature, at) =>
        feature >= 0 && feature < features && (at === 0 || feature > (fired[at - 1] as number))
      ) &&
      counts.every((count) => count >= 1 && count <= tokens);
    if (!sound) {
      throw new RangeError(
        `Cannot compare features as generation ${index} must list ascending features below ${features}, ` +
          `each on 1 to ${tokens} tokens`,
      );
    }
  });
}

/** Indices of the generations of each stratum; one list when there are none. */
function strataOf(generations: readonly FeatureFirings[]): readonly (readonly number[])[] {
  return [...Map.groupBy(generations.keys(), (index) => generations[index]?.stratum).values()];
}

/**
 * Mean and standard deviation of the sum of rates over right generations when labels are shuffled within strata:
 * sampling n₁ of n without replacement has mean n₁ μ and variance n₁ n₀ / (n − 1) · σ², σ² the population variance.
 */
function nullContrast(
  generations: readonly FeatureFirings[],
  strata: readonly (readonly number[])[],
  features: number,
): Contrast {
  const expected = new Float64Array(features), variance = new Float64Array(features);
  for (const members of strata) {
    const count = members.length;
    const right = members.filter((index) => generations[index]?.correct).length, wrong = count - right;
    const sums = new Map<number, { sum: number; squares: number }>();
    for (const index of members) {
      const { features: fired, counts, tokens } = generations[index] as FeatureFirings;
      fired.forEach((feature, at) => {
        const rate = (counts[at] as number) / tokens;
        const entry = sums.get(feature);
        if (entry === undefined) sums.set(feature, { sum: rate, squares: rate * rate });
        else {
          entry.sum += rate;
          entry.squares += rate * rate;
        }
      });
    }
    for (const [feature, { sum, squares }] of sums) {
      expected[feature] = (expected[feature] as number) + right * sum / count;
      if (right === 0 || wrong === 0) continue;
      const spread = squares / count - (sum / count) ** 2;
      // Equal rates leave a variance of rounding size, which is none.
      if (spread > 1e-12 * squares / count) {
        variance[feature] = (variance[feature] as number) + right * wrong / (count - 1) * spread;
      }
    }
  }
  return { expected, scale: variance.map(Math.sqrt) };
}

function addRates(target: Float64Array, { features, counts, tokens }: FeatureFirings): void {
  for (let at = 0; at < features.length; at++) {
    const feature = features[at] as number;
    target[feature] = (target[feature] as number) + (counts[at] as number) / tokens;
  }
}

function scores(sums: Float64Array, { expected, scale }: Contrast): Float64Array {
  return sums.map((sum, feature) => {
    const spread = scale[feature] as number;
    return spread === 0 ? 0 : (sum - (expected[feature] as number)) / spread;
  });
}

/** [correct, incorrect] mean rates of a few features over the generations picked. */
function meanRates(rates: readonly Float64Array[], picked: readonly number[]): Float64Array {
  const sums = new Float64Array(rates[0]?.length ?? 0);
  for (const index of picked) {
    const row = rates[index] as Float64Array;
    for (let f = 0; f < sums.length; f++) sums[f] = (sums[f] as number) + (row[f] as number);
  }
  return sums.map((sum) => sum / picked.length);
}

function differenceOf(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, f) => value - (b[f] as number));
}

/** One stratum's difference of mean rates, right minus wrong, and its weight n₁ n₀ / n. */
interface StratumPart {
  readonly weight: number;
  readonly difference: Float64Array;
}

/** The strata that have right and wrong generations; without any, one that says that nothing differs. */
function stratumParts(
  rates: readonly Float64Array[],
  data: { readonly generations: readonly FeatureFirings[]; readonly strata: readonly (readonly number[])[] },
): readonly StratumPart[] {
  const parts = data.strata.flatMap((members): StratumPart[] => {
    const right = members.filter((index) => data.generations[index]?.correct);
    const wrong = members.filter((index) => !data.generations[index]?.correct);
    if (right.length === 0 || wrong.length === 0) return [];
    const difference = differenceOf(meanRates(rates, right), meanRates(rates, wrong));
    return [{ weight: right.length * wrong.length / members.length, difference }];
  });
  return parts.length > 0 ? parts : [{ weight: 1, difference: new Float64Array(rates[0]?.length ?? 0) }];
}

function weightedDifference(parts: readonly StratumPart[], count: number): Float64Array {
  const sums = new Float64Array(count);
  let total = 0;
  for (const { weight, difference } of parts) {
    total += weight;
    for (let f = 0; f < count; f++) sums[f] = (sums[f] as number) + weight * (difference[f] as number);
  }
  return sums.map((sum) => sum / total);
}

/**
 * Finds the features whose firing frequency differs most between right and wrong generations.
 *
 * Frequency: share of a generation's tokens on which the feature fires, averaged over generations, so that a long
 * wrong answer has one vote as a short right one has. Null: correctness shuffled among generations (within strata,
 * where given: then difficulty of the problem cannot pass for a feature of correctness); every shuffle gives the
 * largest |z| of all features, which corrects for their number. Interval: generations resampled within right and
 * wrong, or whole strata that have both.
 *
 * Source: Figure 7, firing frequency on right against wrong generations (class: review); statistic, null and interval
 * are ours.
 *
 * @throws RangeError without both right and wrong generations, for counts that do not fit, and for options out of
 * range.
 */
export function featureFrequencies(
  generations: readonly FeatureFirings[],
  options: FeatureFrequencyOptions,
): FeatureFrequencies {
  const { features, first = 20, permutations = 1000 } = options;
  const { draws, level, seed } = bootstrapSettings(options);
  for (const [name, value] of Object.entries({ features, first, permutations })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot compare features as ${name} must be a positive integer: current value is ${value}`,
      );
    }
  }
  requireComparable(generations, features);
  const strata = strataOf(generations), contrast = nullContrast(generations, strata, features);
  const right = generations.flatMap(({ correct }, index) => correct ? [index] : []);
  const wrong = generations.flatMap(({ correct }, index) => correct ? [] : [index]);
  const observed = new Float64Array(features), all = new Float64Array(features);
  for (const index of right) addRates(observed, generations[index] as FeatureFirings);
  for (const generation of generations) addRates(all, generation);
  const z = scores(observed, contrast);

  // A stratum of one kind adds the same sum under every shuffle.
  const settled = new Float64Array(features);
  const mixed = strata.flatMap((members) => {
    const count = members.filter((index) => generations[index]?.correct).length;
    if (count > 0 && count < members.length) return [{ members, count }];
    if (count > 0) members.forEach((index) => addRates(settled, generations[index] as FeatureFirings));
    return [];
  });
  const stream = new RandomStream(seed, "feature permutations");
  const maxima = Float64Array.from({ length: permutations }, () => {
    const sums = settled.slice();
    for (const { members, count } of mixed) {
      const chosen = stream.shuffled(members).slice(0, count);
      for (const index of chosen) addRates(sums, generations[index] as FeatureFirings);
    }
    return scores(sums, contrast).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  });
  const nullZ = quantile(maxima, level);

  const ranked = Array.from(z.keys()).sort((a, b) =>
    Math.abs(z[b] as number) - Math.abs(z[a] as number) || a - b
  )
    .slice(0, first);
  const rates = generations.map((generation) => {
    const dense = new Float64Array(features);
    addRates(dense, generation);
    return Float64Array.from(ranked, (feature) => dense[feature] as number);
  });
  const resample = new RandomStream(seed, "feature bootstrap");
  const pick = (list: readonly number[]) => list.map(() => resample.pick(list));
  const differences = ranked.map(() => new Float64Array(draws));
  const parts = generations[0]?.stratum === undefined ? null : stratumParts(rates, { generations, strata });
  for (let draw = 0; draw < draws; draw++) {
    const drawn = parts === null
      ? differenceOf(meanRates(rates, pick(right)), meanRates(rates, pick(wrong)))
      : weightedDifference(parts.map(() => resample.pick(parts)), ranked.length);
    differences.forEach((values, f) => void (values[draw] = drawn[f] as number));
  }
  const observedDifferences = parts === null ? null : weightedDifference(parts, ranked.length);
  return {
    top: ranked.map((feature, f): FeatureContrast => {
      const onCorrect = (observed[feature] as number) / right.length;
      const onIncorrect = ((all[feature] as number) - (observed[feature] as number)) / wrong.length;
      const score = z[feature] as number;
      const { low, high } = percentileInterval(differences[f] as Float64Array, level);
      // A shuffle that restores the data must count as a hit, whatever order its sum was rounded in.
      const hits = maxima.filter((largest) => largest >= Math.abs(score) * (1 - 1e-9)).length;
      return {
        feature,
        onCorrect,
        onIncorrect,
        difference: observedDifferences === null ? onCorrect - onIncorrect : observedDifferences[f] as number,
        low,
        high,
        z: score,
        adjustedP: (1 + hits) / (1 + permutations),
      };
    }),
    nullZ,
    beyondNull: z.filter((value) => Math.abs(value) > nullZ).length,
    level,
    correct: right.length,
    incorrect: wrong.length,
  };
}
