import { quantile } from "../../core/mod.ts";
import { type Histogram, histogram } from "../statistics/histogram.ts";

/** How the cosines of one direction with all tokens spread. */
export interface CosineDistribution {
  /** Tokens with an angle. */
  readonly count: number;
  /** Tokens left out: their unembedding row is zero. */
  readonly zeroRows: number;
  /** Arithmetic mean. */
  readonly mean: number;
  /** Population standard deviation. A random direction has about 1/sqrt(embed) where rows are spread evenly. */
  readonly standardDeviation: number;
  /** Third standardised moment: negative when the tail of suppressed tokens is the longer one. Null without spread. */
  readonly skewness: number | null;
  /** Fourth standardised moment − 3: 0 for a normal law, above for heavier tails. Null without spread. */
  readonly excessKurtosis: number | null;
  /** Smallest cosine. */
  readonly lowest: number;
  /** Largest cosine. */
  readonly highest: number;
  /** Quantiles by share, in the order of `shares`. */
  readonly quantiles: readonly { readonly share: number; readonly value: number }[];
  /** Counts between the edges. */
  readonly histogram: Histogram;
}

/** What a distribution reports. */
export interface CosineDistributionOptions {
  /** Ascending edges, the same for all layers that are compared. @default {100 equal bins from −1 to 1} */
  readonly edges?: readonly number[];
  /** Shares of the quantiles. @default {[0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999]} */
  readonly shares?: readonly number[];
}

/**
 * Equal bins from −limit to limit: `bins` + 1 edges, symmetric to the last bit.
 *
 * @throws RangeError for a count of bins below 1, or a limit that is not positive and finite.
 */
export function symmetricEdges(limit: number, options: { readonly bins?: number } = {}): readonly number[] {
  const { bins = 100 } = options;
  if (!Number.isInteger(bins) || bins < 1 || !(limit > 0 && limit < Infinity)) {
    throw new RangeError(
      `Cannot make edges as bins must be a positive integer and the limit positive: current values are ${bins}, ${limit}`,
    );
  }
  return Array.from({ length: bins + 1 }, (_, edge) => limit * (2 * edge - bins) / bins);
}

/**
 * Moments, tails and histogram of the cosines of one direction with all unembedding rows, as a {@link TokenLens}
 * reads them: NaN entries (rows without an angle) are counted and left out. With the same edges the histograms of
 * layers can be laid over each other. The tokens at the ends are {@link lensTokens}.
 *
 * Source: figure 17, cosines of the propagated difference with all rows, one histogram per layer (class: code; 50 bins
 * between the extremes of each layer there, and the last four layers of a model of 32 missing).
 *
 * @throws RangeError when no token has an angle, or edges do not ascend.
 */
export function cosineDistribution(
  cosines: ArrayLike<number>,
  options: CosineDistributionOptions = {},
): CosineDistribution {
  const {
    edges = symmetricEdges(1),
    shares = [0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999],
  } = options;
  const sorted = Float64Array.from(cosines).filter((value) => !Number.isNaN(value)).sort();
  const count = sorted.length;
  if (count === 0) {
    throw new RangeError("Cannot describe cosines as at least one token must have one: current count is 0");
  }
  const mean = sorted.reduce((sum, value) => sum + value, 0) / count;
  const moment = (power: number) => sorted.reduce((sum, value) => sum + (value - mean) ** power, 0) / count;
  const variance = moment(2), flat = sorted[0] === sorted[count - 1];
  return {
    count,
    zeroRows: cosines.length - count,
    mean,
    standardDeviation: Math.sqrt(variance),
    skewness: flat ? null : moment(3) / variance ** 1.5,
    excessKurtosis: flat ? null : moment(4) / variance ** 2 - 3,
    lowest: sorted[0] as number,
    highest: sorted[count - 1] as number,
    quantiles: shares.map((share) => ({ share, value: quantile(sorted, share) })),
    histogram: histogram(sorted, edges),
  };
}
