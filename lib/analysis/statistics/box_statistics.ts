import { mean, quantile } from "../../core/mod.ts";

/** The numbers a box plot is drawn from, in the unit of the values. */
export interface BoxStatistics {
  /** How many values the box summarises. */
  readonly count: number;
  /** Arithmetic mean. */
  readonly mean: number;
  /** First quartile: the lower edge of the box. */
  readonly lowerQuartile: number;
  /** The line across the box. */
  readonly median: number;
  /** Third quartile: the upper edge of the box. */
  readonly upperQuartile: number;
  /** Smallest value not below the lower fence; the lower edge when there is none under it. */
  readonly lowerWhisker: number;
  /** Largest value not above the upper fence; the upper edge when there is none over it. */
  readonly upperWhisker: number;
  /** Values beyond the whiskers, ascending. */
  readonly fliers: readonly number[];
}

/**
 * Quartiles, whiskers and fliers of a list of values. Quartiles interpolate between order statistics; fences lie
 * 1.5 interquartile ranges outside the box and a whisker ends at the last datum inside its fence.
 *
 * Source: the box plots of the published figures use Matplotlib's defaults (class: code).
 *
 * @throws RangeError when there is no value or one of them is not finite.
 */
export function boxStatistics(values: readonly number[]): BoxStatistics {
  if (values.length === 0) {
    throw new RangeError("Cannot summarise values as a box needs at least one: current count is 0");
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(`Cannot summarise values as value ${wrong} must be finite: it is ${values[wrong]}`);
  }
  const sorted = [...values].sort((a, b) => a - b);
  const lowerQuartile = quantile(sorted, 0.25), upperQuartile = quantile(sorted, 0.75);
  const reach = 1.5 * (upperQuartile - lowerQuartile);
  const inside = sorted.filter((value) => value >= lowerQuartile - reach && value <= upperQuartile + reach);
  // A quartile between two data may lie outside every datum inside the fence; the whisker then has no length.
  const lowerWhisker = Math.min(lowerQuartile, inside[0] ?? lowerQuartile);
  const upperWhisker = Math.max(upperQuartile, inside.at(-1) ?? upperQuartile);
  return {
    count: sorted.length,
    mean: mean(sorted),
    lowerQuartile,
    median: quantile(sorted, 0.5),
    upperQuartile,
    lowerWhisker,
    upperWhisker,
    fliers: sorted.filter((value) => value < lowerWhisker || value > upperWhisker),
  };
}
