import type { BootstrapOptions } from "../accuracy/_bootstrap.ts";
import { requireSources, totalDifference } from "./_total_difference.ts";
import { cosine } from "./_vectors.ts";
import type { MeanInterval } from "../statistics/mean_interval.ts";
import type { TextDifferences } from "./persistence_sums.ts";
import { differenceIntervals } from "./difference_intervals.ts";

/** How alike the differences of layers before the last are, and how alike each is to the last layer's. */
export interface SimilarityBlocks {
  /** Mean of cos(m_i, m_j) over i < j < L − 1. */
  readonly among: MeanInterval;
  /** Mean of cos(m_i, m_{L−1}) over i < L − 1: the last row, and by symmetry the last column. */
  readonly withLast: MeanInterval;
  /** The first minus the second, from the same draws. */
  readonly difference: MeanInterval;
  /** Draws left out since a mean difference came out zero in them. */
  readonly droppedDraws: number;
}

function similarities(totals: readonly Float64Array[]): readonly (readonly (number | null)[])[] {
  return totals.map((one) => totals.map((other) => cosine(one, other)));
}

/** Means over the block of earlier layers and over the last column; null when one of them is not defined. */
function blockMeans(
  matrix: readonly (readonly (number | null)[])[],
): { among: number; withLast: number } | null {
  const last = matrix.length - 1;
  let among = 0, withLast = 0;
  for (let i = 0; i < last; i++) {
    for (let j = i + 1; j <= last; j++) {
      const value = matrix[i]?.[j] as number | null;
      if (value === null) return null;
      if (j < last) among += value;
      else withLast += value;
    }
  }
  return { among: among / (last * (last - 1) / 2), withLast: withLast / last };
}

/**
 * Cosines between the mean differences that vectors at layers i and j cause at the last layer: m_i is the mean over all
 * tokens of h_steered − h_base after the last block, when only s_i is added. `sources` has one entry per steered
 * layer, in order; the result is [layers][layers], null in the
 * row and column of a layer without any difference.
 *
 * Source: figures 4 and 18 (class: caption; the number of the second is inferred).
 *
 * @throws RangeError for no layer, no text, layers with different texts, or values that are not finite.
 */
export function finalDifferenceSimilarity(
  sources: readonly TextDifferences[],
): readonly (readonly (number | null)[])[] {
  requireSources(sources);
  const once = sources[0]?.texts.map(() => 1) as number[];
  return similarities(sources.map((source) => totalDifference(source, once)));
}

/**
 * The claim of figure 4 in three numbers: earlier layers push the last residual in one direction, the last layer's own
 * vector in another. `sources` is [training seed][steered layer]; the numbers are means over training seeds, with
 * bootstrap intervals over training seeds and texts ({@link differenceIntervals}), so what the layers share in a draw
 * cancels in the difference. The diagonal, which is 1, is in no mean.
 *
 * Source: figures 4 and 18 (class: caption); block means and intervals are ours.
 *
 * @throws RangeError for fewer than three layers, a layer without any difference, or what {@link finalDifferenceSimilarity}
 * refuses.
 */
export function similarityBlocks(
  sources: readonly (readonly TextDifferences[])[],
  options: BootstrapOptions = {},
): SimilarityBlocks {
  for (const layers of sources) {
    if (layers.length < 3) {
      throw new RangeError(
        `Cannot compare blocks as there must be at least 3 layers: current count is ${layers.length}`,
      );
    }
    const layer = finalDifferenceSimilarity(layers).findIndex((row, index) => row[index] === null);
    if (layer >= 0) {
      throw new RangeError(
        `Cannot compare blocks as every layer must cause a difference: layer ${layer} causes none`,
      );
    }
  }
  const { intervals, droppedDraws } = differenceIntervals(sources, (totals) => {
    const means = blockMeans(similarities(totals));
    return means === null ? [null, null, null] : [means.among, means.withLast, means.among - means.withLast];
  }, options);
  const [among, withLast, difference] = intervals as [MeanInterval, MeanInterval, MeanInterval];
  return { among, withLast, difference, droppedDraws };
}
