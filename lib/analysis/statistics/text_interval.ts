import { RandomStream } from "../../core/mod.ts";
import {
  type BootstrapOptions,
  bootstrapSettings,
  drawTimes,
  percentileInterval,
} from "../accuracy/_bootstrap.ts";

/** A number read off all texts together, and its bootstrap interval over texts. */
export interface TextInterval {
  /** Of the data themselves; null when it is not defined. */
  readonly value: number | null;
  /** Lower end; null with the value, or when a draw has none. */
  readonly low: number | null;
  /** Upper end; null as the lower. */
  readonly high: number | null;
  /** Coverage of the interval. */
  readonly level: number;
}

/** One text's columns of numbers, [column][position]; all columns are equally long. */
export type TextColumns = readonly ArrayLike<number>[];

/**
 * A statistic of sums over the positions of all texts, with a percentile bootstrap interval over texts: positions of
 * one text hang together, so whole texts are drawn. `terms` gives the numbers to be summed at a position, `statistic`
 * reads the sums; it gives null where it is not defined.
 *
 * @throws RangeError without texts, for columns of unequal length, sums that are not finite, and options out of range.
 */
export function textInterval(
  texts: readonly TextColumns[],
  options: BootstrapOptions & {
    readonly terms: (position: readonly number[]) => readonly number[];
    readonly statistic: (sums: ArrayLike<number>) => number | null;
  },
): TextInterval {
  const { terms, statistic } = options, { draws, level, seed } = bootstrapSettings(options);
  if (texts.length === 0) {
    throw new RangeError("Cannot take an interval as it needs at least one text: current count is 0");
  }
  const sums = texts.map((columns, text) => {
    const length = columns[0]?.length ?? 0;
    if (columns.some((column) => column.length !== length)) {
      throw new RangeError(
        `Cannot take an interval as columns must be equally long: text ${text} has ${
          columns.map((column) => column.length)
        }`,
      );
    }
    const total: number[] = [];
    for (let position = 0; position < length; position++) {
      terms(columns.map((column) => column[position] as number)).forEach((term, at) => {
        total[at] = (total[at] ?? 0) + term;
      });
    }
    if (!total.every(Number.isFinite)) {
      throw new RangeError(
        `Cannot take an interval as numbers must be finite: text ${text} adds up to ${total}`,
      );
    }
    return total;
  });
  const width = Math.max(...sums.map((total) => total.length));
  const read = (times: ArrayLike<number>) => {
    const all = new Float64Array(width);
    sums.forEach((total, text) => {
      const count = times[text] as number;
      if (count > 0) total.forEach((sum, at) => void (all[at] = (all[at] as number) + count * sum));
    });
    return statistic(all);
  };
  const stream = new RandomStream(seed, "text interval", texts.length);
  const found = Array.from({ length: draws }, () => read(drawTimes(stream, texts.length)));
  const defined = found.filter((value) => value !== null);
  const value = read(new Float64Array(texts.length).fill(1));
  if (value === null || defined.length < found.length) return { value, low: null, high: null, level };
  return { value, ...percentileInterval(defined, level) };
}

/**
 * Pearson's r of two columns over the positions of all texts, with a bootstrap interval over texts; null where either
 * does not vary.
 *
 * Source: r of magnitude and alignment in Figure 25 (class: inferred number, code formula); the interval is ours.
 *
 * @throws RangeError as {@link textInterval}.
 */
export function correlationInterval(
  texts: readonly TextColumns[],
  options: BootstrapOptions = {},
): TextInterval {
  // Centred by the first position, so that sums of squares do not drown the spread.
  const first = texts.find((columns) => (columns[0]?.length ?? 0) > 0) ?? [];
  const [x0, y0] = [first[0]?.[0] ?? 0, first[1]?.[0] ?? 0];
  return textInterval(texts, {
    ...options,
    terms: (position) => {
      const x = (position[0] as number) - x0, y = (position[1] as number) - y0;
      return [1, x, y, x * x, y * y, x * y];
    },
    statistic: (sums) => {
      const [n, x, y, xx, yy, xy] = Array.from(sums) as [number, number, number, number, number, number];
      const spreadX = xx - x * x / n, spreadY = yy - y * y / n;
      const still = (spread: number, squares: number) => !(spread > 1e-12 * squares);
      if (still(spreadX, xx) || still(spreadY, yy)) return null;
      return Math.max(-1, Math.min(1, (xy - x * y / n) / Math.sqrt(spreadX * spreadY)));
    },
  });
}
