import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  type Interval,
  percentileInterval,
  pointsBetween,
  requireSameProblems,
  resampleAccuracy,
  type Resamples,
} from "./_bootstrap.ts";

/** What the gain of a pair (i, j), i ≤ j, is measured from: the later vector, the earlier one, or the better one. */
export type PairNormalisation = "prev" | "next" | "max";

/** A square matrix over layers, row i, column j; null below the diagonal and where a value is not applicable. */
export type LayerMatrix = readonly (readonly (number | null)[])[];

/** Accuracies in percent, means over seeds. */
export interface PairAccuracies {
  /** Row i, column j ≥ i: vectors i and j together; the diagonal holds single vectors. Null where not measured. */
  readonly pairs: LayerMatrix;
  /** All-layer steering, P. */
  readonly allLayers: number;
}

/** Pairs whose normalised gain is above this carry a cross: they reach all-layer steering. */
export const PAIR_CROSS_THRESHOLD = 0.99;

/** Gaps to all-layer steering below this many points divide noise by nothing. */
const SMALLEST_GAP = 1e-9;

function upperTriangle(
  layers: number,
  value: (i: number, j: number) => number | null,
): (number | null)[][] {
  return Array.from(
    { length: layers },
    (_, i) => Array.from({ length: layers }, (_, j) => j < i ? null : value(i, j)),
  );
}

function startOf(
  i: number,
  j: number,
  from: { readonly by: PairNormalisation; readonly single: (layer: number) => number | null },
): number | null {
  const first = from.single(i), second = from.single(j);
  if (first === null || second === null) return null;
  return from.by === "prev" ? second : from.by === "next" ? first : Math.max(first, second);
}

/**
 * Normalised gain of pairs of vectors that were trained in isolation:
 *
 *     prev: (a_ij − a_jj)/(P − a_jj)   next: (a_ij − a_ii)/(P − a_ii)   max: (a_ij − m)/(P − m), m = max(a_ii, a_jj)
 *
 * 0 is no better than the single vector, 1 reaches all-layer steering; the diagonal of every map is 0. A denominator
 * of zero or below (the single vector is as good as all layers) has no meaning: null.
 *
 * Accuracies are averaged over seeds before they are normalised, as published: a mean of ratios is dominated by the
 * seeds with the smallest gaps. `asPublished` also rounds P to one decimal, as the published script has it typed in,
 * and keeps negative denominators.
 *
 * Source: Figure 13 (class: code); which of the three maps it shows is not known.
 *
 * @throws RangeError for a matrix that is not square.
 */
export function pairGains(
  { pairs, allLayers }: PairAccuracies,
  options: {
    readonly by: PairNormalisation;
    /** @default {false} */
    readonly asPublished?: boolean;
  },
): LayerMatrix {
  const { by, asPublished = false } = options, layers = pairs.length;
  if (layers === 0 || pairs.some((row) => row.length !== layers)) {
    throw new RangeError(`Cannot normalise pairs as their matrix must be square: it has ${layers} rows`);
  }
  const top = asPublished ? Number(allLayers.toFixed(1)) : allLayers;
  return upperTriangle(layers, (i, j) => {
    const both = pairs[i]?.[j] ?? null;
    const start = startOf(i, j, { by, single: (layer) => pairs[layer]?.[layer] ?? null });
    if (both === null || start === null) return null;
    const gap = top - start;
    if (asPublished ? Math.abs(gap) < SMALLEST_GAP : gap < SMALLEST_GAP) return null;
    return (both - start) / gap;
  });
}

/**
 * The pairs that carry a cross: those of the upper triangle above `PAIR_CROSS_THRESHOLD`, as [i, j], row by row.
 *
 * Source: Figure 13 (class: code).
 */
export function pairCrosses(gains: LayerMatrix): readonly (readonly [number, number])[] {
  return gains.flatMap((row, i) =>
    row.flatMap((gain, j) => gain !== null && gain > PAIR_CROSS_THRESHOLD ? [[i, j] as const] : [])
  );
}

/** Outcomes of a pair run; i = j is the single vector. */
export interface PairRun {
  /** The earlier layer. */
  readonly i: number;
  /** The later layer. */
  readonly j: number;
  /** Outcomes on the same problems as all other runs. */
  readonly outcomes: BenchmarkOutcomes;
}

/** What pairs of isolated vectors reach, with its uncertainty. */
export interface PairComposition {
  /** Accuracies in percent, means over seeds. */
  readonly accuracies: PairAccuracies;
  /** Mean over pairs i < j of a_ij − max(a_ii, a_jj), in points. */
  readonly meanGain: Interval & { readonly points: number };
  /** Pairs i < j whose paired interval over the better single vector lies above 0. */
  readonly pairsAbove: readonly (readonly [number, number])[];
  /** Pairs i < j that were measured. */
  readonly pairCount: number;
}

/**
 * Whether vectors trained in isolation combine: the mean gain of a pair over its better member with a paired bootstrap
 * interval, and the pairs that are surely better. The better member is chosen anew in every draw, which counts the
 * luck of that choice against the pair. Feed `accuracies` to `pairGains` for the maps of Figure 13.
 *
 * Source: Figure 13 (class: code), "vectors trained in isolation combine across layers" (class: caption); intervals
 * are ours.
 *
 * @throws RangeError for a layer out of range, a pair with i > j or met twice, a single vector that is missing, and
 * runs on other problems.
 */
export function pairComposition(
  input: {
    readonly layers: number;
    readonly runs: readonly PairRun[];
    readonly allLayers: BenchmarkOutcomes;
  },
  options: BootstrapOptions = {},
): PairComposition {
  const { layers, runs, allLayers } = input;
  const settings = bootstrapSettings(options), { level } = settings;
  const cells = new Map<string, Resamples>();
  for (const { i, j, outcomes } of runs) {
    if (
      !(Number.isInteger(i) && Number.isInteger(j) && i >= 0 && i <= j && j < layers) ||
      cells.has(`${i},${j}`)
    ) {
      throw new RangeError(
        `Cannot compose pairs as each must come once, with 0 ≤ i ≤ j < ${layers}: current pair is (${i}, ${j})`,
      );
    }
    requireSameProblems(allLayers, outcomes);
    cells.set(`${i},${j}`, resampleAccuracy(outcomes, settings));
  }
  const pairs = runs.filter(({ i, j }) => i < j);
  const total = new Float64Array(settings.draws);
  const pairsAbove: (readonly [number, number])[] = [];
  let points = 0;
  for (const { i, j } of pairs) {
    const both = cells.get(`${i},${j}`) as Resamples,
      first = cells.get(`${i},${i}`),
      second = cells.get(`${j},${j}`);
    if (first === undefined || second === undefined) {
      throw new RangeError(
        `Cannot compose pairs as single vectors ${i} and ${j} must be measured: one is missing`,
      );
    }
    points += both.percent - Math.max(first.percent, second.percent);
    const gains = both.draws.map((value, draw) =>
      pointsBetween(value, Math.max(first.draws[draw] as number, second.draws[draw] as number))
    );
    gains.forEach((gain, draw) => void (total[draw] = (total[draw] as number) + gain));
    if (percentileInterval(gains, level).low > 0) pairsAbove.push([i, j]);
  }
  if (pairs.length === 0) {
    throw new RangeError("Cannot compose pairs as at least one must have two layers: current count is 0");
  }
  const { low, high } = percentileInterval(total, level);
  return {
    accuracies: {
      pairs: upperTriangle(layers, (i, j) => cells.get(`${i},${j}`)?.percent ?? null),
      allLayers: resampleAccuracy(allLayers, settings).percent,
    },
    meanGain: {
      points: points / pairs.length,
      low: low / pairs.length,
      high: high / pairs.length,
      level,
    },
    pairsAbove,
    pairCount: pairs.length,
  };
}
