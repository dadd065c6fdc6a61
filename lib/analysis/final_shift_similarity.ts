import { quantile, RandomStream } from "../core/mod.ts";
import { bootstrapSettings, drawTimes } from "./_bootstrap.ts";
import { addScaled, cosine, requireVector } from "./_vectors.ts";
import type { BootstrapOptions } from "./accuracy.ts";
import type { MeanInterval } from "./mean_interval.ts";
import type { TextShifts } from "./persistence.ts";

/** How alike the shifts of layers before the last are, and how alike each is to the last layer's. */
export interface SimilarityBlocks {
  /** Mean of cos(m_i, m_j) over i < j < L − 1. */
  readonly among: MeanInterval;
  /** Mean of cos(m_i, m_{L−1}) over i < L − 1: the last row, and by symmetry the last column. */
  readonly withLast: MeanInterval;
  /** The first minus the second, from the same draws. */
  readonly difference: MeanInterval;
  /** Draws left out since a mean shift came out zero in them. */
  readonly droppedDraws: number;
}

function requireSources(sources: readonly TextShifts[]): void {
  const first = sources[0];
  if (first === undefined || first.texts.length === 0) {
    throw new RangeError("Cannot compare final shifts as there must be a steered layer with texts: none");
  }
  const embed = first.sums[0]?.length ?? 0;
  sources.forEach((source, layer) => {
    if (source.texts.join() !== first.texts.join()) {
      throw new RangeError(
        `Cannot compare final shifts as all steered layers must have the same texts: layer ${layer} has ` +
          `${source.texts.length} others than layer 0`,
      );
    }
    if (source.rows.length !== source.texts.length || source.sums.length !== source.texts.length) {
      throw new RangeError(
        `Cannot compare final shifts as each text needs its rows and its sum: layer ${layer} has ` +
          `${source.rows.length} and ${source.sums.length} for ${source.texts.length} texts`,
      );
    }
    source.sums.forEach((sum, text) =>
      requireVector(sum, { what: `the shift of layer ${layer}, text ${text}`, embed })
    );
  });
}

/** Sum over texts, each `times` over: parallel to the mean over their tokens, which is all that a cosine sees. */
function totalShift(source: TextShifts, times: ArrayLike<number>): Float64Array {
  const total = new Float64Array((source.sums[0] as Float64Array).length);
  source.sums.forEach((sum, text) => {
    const weight = times[text] as number;
    if (weight !== 0) addScaled(total, sum, weight);
  });
  return total;
}

function similarities(
  sources: readonly TextShifts[],
  times: ArrayLike<number>,
): readonly (readonly (number | null)[])[] {
  const means = sources.map((source) => totalShift(source, times));
  return means.map((one) => means.map((other) => cosine(one, other)));
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
 * Cosines between the mean shifts that vectors at layers i and j cause at the last layer: m_i is the mean over all
 * tokens of h_steered − h_base after the last block, when only s_i is added. `sources` has one entry per steered
 * layer, in order ({@link PersistenceSums.textShifts} of the last layer); the result is [layers][layers], null in the
 * row and column of a layer without any shift.
 *
 * Source: figures 4 and 18 (class: caption; the number of the second is inferred).
 *
 * @throws RangeError for no layer, no text, layers with different texts, or values that are not finite.
 *
 * @example
 * ```ts
 * import { finalShiftSimilarity } from "./mod.ts";
 * const shifts = (...sum: number[]) => ({ texts: [0], rows: [3], sums: [Float64Array.from(sum)] });
 * const matrix = finalShiftSimilarity([shifts(3, 0), shifts(0, 1)]);
 * if (matrix[0]?.[0] !== 1 || matrix[0]?.[1] !== 0) throw new Error("orthogonal shifts");
 * ```
 */
export function finalShiftSimilarity(
  sources: readonly TextShifts[],
): readonly (readonly (number | null)[])[] {
  requireSources(sources);
  return similarities(sources, sources[0]?.texts.map(() => 1) as number[]);
}

/**
 * The claim of figure 4 in three numbers: earlier layers push the last residual in one direction, the last layer's own
 * vector in another. Intervals are percentile bootstrap intervals over texts, drawn once for all layers, so what the
 * layers share in a draw cancels in the difference. The diagonal, which is 1, is in no mean.
 *
 * Source: figures 4 and 18 (class: caption); block means and intervals are ours.
 *
 * @throws RangeError for fewer than three layers, a layer without any shift, or what {@link finalShiftSimilarity}
 * refuses.
 *
 * @example
 * ```ts
 * import { similarityBlocks } from "./mod.ts";
 * const shifts = (...sum: number[]) => ({ texts: [0], rows: [1], sums: [Float64Array.from(sum)] });
 * const { among, withLast, difference } = similarityBlocks([shifts(1, 0), shifts(2, 0), shifts(0, 5)], { draws: 9 });
 * if (among.mean !== 1 || withLast.mean !== 0 || difference.low !== 1) throw new Error("two of one kind, one other");
 * ```
 */
export function similarityBlocks(
  sources: readonly TextShifts[],
  options: BootstrapOptions = {},
): SimilarityBlocks {
  const { draws, level, seed } = bootstrapSettings(options);
  if (sources.length < 3) {
    throw new RangeError(
      `Cannot compare blocks as there must be at least 3 layers: current count is ${sources.length}`,
    );
  }
  const matrix = finalShiftSimilarity(sources), all = blockMeans(matrix);
  if (all === null) {
    const layer = matrix.findIndex((row, index) => row[index] === null);
    throw new RangeError(
      `Cannot compare blocks as every layer must cause a shift: layer ${layer} causes none`,
    );
  }
  const texts = sources[0]?.texts.length as number, stream = new RandomStream(seed, "final shifts", texts);
  const among: number[] = [], withLast: number[] = [], difference: number[] = [];
  let droppedDraws = 0;
  for (let draw = 0; draw < draws; draw++) {
    const means = blockMeans(similarities(sources, drawTimes(stream, texts)));
    if (means === null) {
      droppedDraws++;
      continue;
    }
    among.push(means.among);
    withLast.push(means.withLast);
    difference.push(means.among - means.withLast);
  }
  const tail = (1 - level) / 2;
  const interval = (value: number, values: readonly number[]) => ({
    mean: value,
    low: quantile(values, tail),
    high: quantile(values, 1 - tail),
    level,
  });
  return {
    among: interval(all.among, among),
    withLast: interval(all.withLast, withLast),
    difference: interval(all.among - all.withLast, difference),
    droppedDraws,
  };
}
