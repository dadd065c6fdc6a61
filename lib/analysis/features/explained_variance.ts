import { quantile, RandomStream } from "../../core/mod.ts";
import { type BootstrapOptions, bootstrapSettings, drawTimes } from "../accuracy/_bootstrap.ts";
import { addScaled, dot } from "../residual/_vectors.ts";

/** What a text holds and what is predicted of it, both [rows, embed]. */
export interface PredictedText {
  /** The rows themselves. */
  readonly actual: ArrayLike<number>;
  /** The predicted rows. */
  readonly predicted: ArrayLike<number>;
}

/** Share of the spread that a prediction accounts for; all null when the rows do not differ. */
export interface ExplainedVariance {
  /** 1 − Σ|y − ŷ|² / Σ|y − ȳ|²: 1 for a perfect prediction, 0 for predicting the mean, negative when worse. */
  readonly share: number | null;
  /** Lower end of the interval. */
  readonly low: number | null;
  /** Upper end of the interval. */
  readonly high: number | null;
  /** Coverage of the interval. */
  readonly level: number;
  /** Draws left out since all their rows were equal. */
  readonly droppedDraws: number;
}

/** Sums of one text from which the share of any draw of texts follows. */
interface TextSums {
  readonly rows: number;
  /** Σ|y − ŷ|². */
  readonly residual: number;
  /** Σ|y − ȳ|² about the mean ȳ of all texts. */
  readonly spread: number;
  /** Σ(y − ȳ), [embed]. */
  readonly offset: Float64Array;
}

function columnMeans(texts: readonly PredictedText[], embed: number): Float64Array {
  const means = new Float64Array(embed);
  let rows = 0;
  for (const { actual } of texts) {
    for (let start = 0; start < actual.length; start += embed) {
      rows++;
      // A running mean: its size is that of the rows, however many there are.
      for (let i = 0; i < embed; i++) {
        const old = means[i] as number;
        means[i] = old + ((actual[start + i] as number) - old) / rows;
      }
    }
  }
  return means;
}

function textSums({ actual, predicted }: PredictedText, means: Float64Array): TextSums {
  const embed = means.length, offset = new Float64Array(embed);
  let residual = 0, spread = 0;
  for (let place = 0; place < actual.length; place++) {
    const column = place % embed, value = actual[place] as number;
    const off = value - (means[column] as number);
    residual += (value - (predicted[place] as number)) ** 2;
    spread += off * off;
    offset[column] = (offset[column] as number) + off;
  }
  return { rows: actual.length / embed, residual, spread, offset };
}

/** The share of texts taken `times` over, about their own mean; null when their rows are all equal. */
function shareOf(
  sums: readonly TextSums[],
  options: { times: ArrayLike<number>; embed: number },
): number | null {
  const { times, embed } = options, offset = new Float64Array(embed);
  let rows = 0, residual = 0, spread = 0;
  sums.forEach((text, index) => {
    const weight = times[index] as number;
    if (weight === 0) return;
    rows += weight * text.rows;
    residual += weight * text.residual;
    spread += weight * text.spread;
    addScaled(offset, text.offset, weight);
  });
  // Σ|y − m|² = Σ|y − ȳ|² − N|m − ȳ|² for the mean m of the draw. What rounding leaves of equal rows is no spread.
  const about = spread - dot(offset, offset) / rows;
  return about <= 1e-12 * spread || spread === 0 ? null : 1 - residual / about;
}

/**
 * How much of the variance of rows [rows, embed] a prediction explains, over all columns together, on the scale of
 * predict-the-mean = 0 and perfect = 1, with a percentile bootstrap interval over texts. The mean is that of the rows
 * that are explained, in every draw anew; a prediction of another sample's mean comes out slightly negative.
 *
 * Source: our definition (class: inferred); the published tuned lens reports a KL instead.
 *
 * @throws RangeError for no rows, arrays of different lengths or no whole rows, or values that are not finite.
 *
 * @example
 * ```ts
 * import { explainedVariance } from "../mod.ts";
 * const actual = [1, 3, 5]; // three rows of one value
 * const share = (predicted: number[]) => explainedVariance([{ actual, predicted }], { embed: 1, draws: 1 }).share;
 * if (share([3, 3, 3]) !== 0 || share(actual) !== 1) throw new Error("mean and perfect");
 * if (share([2, 3, 4]) !== 0.75) throw new Error("half of each distance leaves a quarter of the squares");
 * ```
 */
export function explainedVariance(
  texts: readonly PredictedText[],
  options: BootstrapOptions & { readonly embed: number },
): ExplainedVariance {
  const { embed } = options, { draws, level, seed } = bootstrapSettings(options);
  if (!Number.isInteger(embed) || embed < 1 || texts.every((text) => text.actual.length === 0)) {
    throw new RangeError(
      `Cannot explain variance as it needs rows of at least one value: current embed is ${embed}, texts ${texts.length}`,
    );
  }
  texts.forEach(({ actual, predicted }, text) => {
    if (actual.length !== predicted.length || actual.length % embed !== 0) {
      throw new RangeError(
        `Cannot explain variance as text ${text} must have rows of ${embed} and as many predicted: current counts ` +
          `are ${actual.length} and ${predicted.length}`,
      );
    }
  });
  const means = columnMeans(texts, embed), sums = texts.map((text) => textSums(text, means));
  const wrong = sums.findIndex((text) => !Number.isFinite(text.residual + text.spread));
  if (wrong >= 0) {
    throw new RangeError(`Cannot explain variance as values must be finite: text ${wrong} has others`);
  }
  const share = shareOf(sums, { times: texts.map(() => 1), embed });
  if (share === null) return { share, low: null, high: null, level, droppedDraws: 0 };
  const stream = new RandomStream(seed, "explained variance", texts.length), shares: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const value = shareOf(sums, { times: drawTimes(stream, texts.length), embed });
    if (value !== null) shares.push(value);
  }
  const tail = (1 - level) / 2;
  const end = (place: number) => shares.length === 0 ? null : quantile(shares, place);
  return { share, low: end(tail), high: end(1 - tail), level, droppedDraws: draws - shares.length };
}
