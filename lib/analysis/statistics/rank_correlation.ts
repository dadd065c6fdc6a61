import { mean } from "../../core/mod.ts";

/** Ranks from 1; equal values share the mean of the ranks that they take up. */
function ranks(values: readonly number[]): readonly number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

/**
 * Spearman's ρ: Pearson's r of the ranks of two lists, equal values with the mean of their ranks. Null where one of the
 * lists does not vary.
 *
 * @throws RangeError for lists of different lengths, of fewer than two values, or with one that is not finite.
 */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  if (a.length !== b.length || a.length < 2 || ![...a, ...b].every(Number.isFinite)) {
    throw new RangeError(
      `Cannot correlate ranks as both lists must have as many finite values, at least 2: they have ${a.length} and ${b.length}`,
    );
  }
  const [x, y] = [a, b].map(ranks) as [readonly number[], readonly number[]], centre = mean(x);
  const product = (u: readonly number[], v: readonly number[]) =>
    u.reduce((sum, value, at) => sum + (value - centre) * ((v[at] as number) - centre), 0);
  const spread = product(x, x) * product(y, y);
  return spread === 0 ? null : product(x, y) / Math.sqrt(spread);
}
