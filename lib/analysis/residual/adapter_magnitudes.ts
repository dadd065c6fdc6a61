import { mean, quantile } from "../../core/mod.ts";
import { type Histogram, histogram } from "../statistics/histogram.ts";

/** What a rank-1 adapter did at each position of one text; all arrays [seq]. */
export interface MagnitudeTrace {
  /** m_t = (A·u_t)·‖B‖: how far the adapter pushes along its unit direction B/‖B‖. */
  readonly magnitudes: ArrayLike<number>;
  /** ‖y_t‖, y the frozen down-projection's output at the same place. */
  readonly outputNorms: ArrayLike<number>;
  /** cos(y_t, B/‖B‖). */
  readonly alignments: ArrayLike<number>;
}

/** Magnitudes of one layer's adapter over all texts. */
export interface MagnitudeSummary {
  /** Mean of ‖y‖. */
  readonly meanOutputNorm: number;
  /** median m / mean ‖y‖; null when every output is 0. */
  readonly relativeMedian: number | null;
  /**
   * Pearson r between m and cos(y, direction) as published: m is turned round when its mean is negative while the
   * direction is left as it is, which turns the sign of r. Null when either does not vary.
   */
  readonly publishedR: number | null;
}

/**
 * Gathers the token-wise magnitudes of one layer's rank-1 adapter, text by text.
 *
 * The sign of a direction is a convention: median and histogram turn m round when its mean is negative, so that layers
 * can be compared.
 *
 * Source: section 10, Figures 23, 24 and 25 (class: inferred numbers, code formulas).
 */
export class AdapterMagnitudes {
  readonly #magnitudes: number[] = [];
  readonly #alignments: number[] = [];
  #normSum = 0;

  /** Adds one text. Throws a `RangeError` when the arrays differ in length or a value is not finite. */
  add(trace: MagnitudeTrace): void {
    const { magnitudes, outputNorms, alignments } = trace;
    const count = magnitudes.length;
    if (outputNorms.length !== count || alignments.length !== count) {
      throw new RangeError(
        `Cannot add magnitudes as all arrays must have ${count} positions: norms ${outputNorms.length}, alignments ${alignments.length}`,
      );
    }
    for (let t = 0; t < count; t++) {
      if (![magnitudes[t], outputNorms[t], alignments[t]].every(Number.isFinite)) {
        throw new RangeError(
          `Cannot add magnitudes as they must be finite: position ${t} has ${magnitudes[t]}, ${
            outputNorms[t]
          }, ${alignments[t]}`,
        );
      }
    }
    for (let t = 0; t < count; t++) {
      this.#magnitudes.push(magnitudes[t] as number);
      this.#alignments.push(alignments[t] as number);
      this.#normSum += outputNorms[t] as number;
    }
  }

  /** +1, or −1 where magnitudes are negative on average. */
  #sign(): 1 | -1 {
    if (this.#magnitudes.length === 0) {
      throw new RangeError(
        "Cannot read magnitudes as at least one position must be added: current count is 0",
      );
    }
    return mean(this.#magnitudes) < 0 ? -1 : 1;
  }

  /** The numbers of the layer. Throws a `RangeError` when nothing was added. */
  summary(): MagnitudeSummary {
    const sign = this.#sign(), meanOutputNorm = this.#normSum / this.#magnitudes.length;
    const r = pearson(this.#magnitudes, this.#alignments);
    return {
      meanOutputNorm,
      relativeMedian: meanOutputNorm === 0 ? null : sign * quantile(this.#magnitudes, 0.5) / meanOutputNorm,
      publishedR: r === null ? null : sign * r,
    };
  }

  /**
   * Histogram of m / mean ‖y‖, turned round where its mean is negative. Edges are the caller's, so layers share them.
   * Throws a `RangeError` when nothing was added, for fewer than two or unsorted edges, and where every output is 0.
   */
  histogram(edges: readonly number[]): Histogram {
    const sign = this.#sign(), meanOutputNorm = this.#normSum / this.#magnitudes.length;
    if (meanOutputNorm === 0) {
      throw new RangeError(
        "Cannot count relative magnitudes as the mean output norm must be positive: it is 0",
      );
    }
    const scale = sign / meanOutputNorm;
    return histogram(this.#magnitudes.map((magnitude) => scale * magnitude), edges);
  }

  /**
   * Up to `count` points (m, cosine), evenly spread over the order in which they were added, for a scatter plot; m as
   * added. Throws a `RangeError` for a count below 1.
   */
  points(count: number): readonly { readonly magnitude: number; readonly alignment: number }[] {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot pick points as their count must be a positive integer: current value is ${count}`,
      );
    }
    const total = this.#magnitudes.length, picked = Math.min(count, total);
    return Array.from({ length: picked }, (_, place) => {
      const at = Math.floor(place * total / picked);
      return { magnitude: this.#magnitudes[at] as number, alignment: this.#alignments[at] as number };
    });
  }
}

/**
 * Pearson's r of two lists of equal length; null when either does not vary, since r then has no meaning.
 *
 * Source: r of magnitude against alignment in Figure 25, of accuracy against similarity in the code behind Figure 2 (class: code).
 *
 * @throws RangeError for lists of unequal length or none.
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (a.length !== b.length || a.length < 1) {
    throw new RangeError(
      `Cannot correlate as both lists must be equally long: lengths are ${a.length} and ${b.length}`,
    );
  }
  const meanA = mean(a), meanB = mean(b);
  let ab = 0, aa = 0, bb = 0;
  for (let index = 0; index < a.length; index++) {
    const x = (a[index] as number) - meanA, y = (b[index] as number) - meanB;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  // The mean of equal numbers may differ from them by a rounding, which is no variation.
  const tiny = (sum: number, centre: number) =>
    sum <= a.length * (4 * Number.EPSILON * Math.abs(centre)) ** 2;
  if (tiny(aa, meanA) || tiny(bb, meanB)) return null;
  return Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
}

/**
 * The line y = slope · x + intercept with the least squares in y; null when x does not vary.
 *
 * Source: the red line in Figure 25 (class: inferred number, code formula).
 *
 * @throws RangeError for lists of unequal length or none.
 */
export function leastSquaresLine(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): { readonly slope: number; readonly intercept: number } | null {
  if (x.length !== y.length || x.length < 1) {
    throw new RangeError(
      `Cannot fit a line as both lists must be equally long: lengths are ${x.length} and ${y.length}`,
    );
  }
  const meanX = mean(x), meanY = mean(y);
  let xy = 0, xx = 0;
  for (let index = 0; index < x.length; index++) {
    const away = (x[index] as number) - meanX;
    xy += away * ((y[index] as number) - meanY);
    xx += away * away;
  }
  if (xx <= x.length * (4 * Number.EPSILON * Math.abs(meanX)) ** 2) return null;
  const slope = xy / xx;
  return { slope, intercept: meanY - slope * meanX };
}
