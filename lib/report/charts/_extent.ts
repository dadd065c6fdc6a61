/**
 * Lowest and highest of the numbers that a chart shows, `spare` of their distance added at both ends.
 *
 * @throws RangeError naming what cannot be drawn when there is no number or one is not finite.
 */
export function paddedExtent(
  values: readonly number[],
  options: { readonly what: string; readonly spare?: number },
): [low: number, high: number] {
  const { what, spare = 0.05 } = options;
  if (values.length === 0) {
    throw new RangeError(`Cannot draw ${what} as there must be values: current count is 0`);
  }
  // Not by spreading: a scatter plot may hold more values than a call takes arguments.
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot draw ${what} as values must be finite: current value is ${value}`);
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const margin = spare * (high - low || 1);
  return [low - margin, high + margin];
}

/** Whole-number ticks from `first` to `last`, `most` at most, at equal distances of 1, 2, 5, 10, 20, … */
export function wholeTicks(
  first: number,
  last: number,
  options: { readonly most: number },
): readonly number[] {
  let step = 1;
  for (let next = 0; (last - first) / step + 1 > options.most; next++) step *= next % 3 === 1 ? 2.5 : 2;
  const from = step === 1 ? first : Math.ceil(first / step) * step;
  return Array.from({ length: Math.floor((last - from) / step) + 1 }, (_, index) => from + index * step);
}
