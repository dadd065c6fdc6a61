/** Arithmetic mean; NaN for an empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] as number;
  return sum / values.length;
}

/** Standard deviation with `ddof` degrees of freedom taken off (0: population, the paper's choice). */
export function standardDeviation(
  values: ArrayLike<number>,
  options: { readonly ddof?: 0 | 1 } = {},
): number {
  const centre = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += ((values[index] as number) - centre) ** 2;
  return Math.sqrt(sum / (values.length - (options.ddof ?? 0)));
}

/** Quantile with linear interpolation between order statistics (NumPy's default). */
export function quantile(values: ArrayLike<number>, share: number): number {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`Cannot take a quantile as its share must lie in [0, 1]: current value is ${share}`);
  }
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values as ArrayLike<number>).sort();
  const place = share * (sorted.length - 1);
  const low = Math.floor(place), high = Math.ceil(place);
  const from = sorted[low] as number;
  return from + ((sorted[high] as number) - from) * (place - low);
}
