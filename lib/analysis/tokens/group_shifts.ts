import { mean } from "../../core/mod.ts";
import type { ShiftRow } from "./shift_rows.ts";

/** Rows whose most boosted token is one. */
export interface ShiftGroup {
  /** The token. */
  readonly label: string;
  /** The Δp of its rows, in the order of the rows. */
  readonly values: readonly number[];
  /** Their mean. */
  readonly mean: number;
  /** Their largest. */
  readonly extreme: number;
}

/** Labels that occur less often are left out. */
const MINIMUM_COUNT = 2;

/**
 * Groups rows by their most boosted token, as `text` spells it, and keeps the `first` groups with the largest Δp; equal
 * ones are ordered by label, so the result does not depend on the order of the texts.
 *
 * Source: the boxes of the paper's Figure 3 (class: code).
 *
 * @throws RangeError for a number of groups below 1.
 */
export function groupShifts(
  rows: readonly ShiftRow[],
  options: { readonly text: (token: number) => string; readonly first: number },
): readonly ShiftGroup[] {
  const { text, first } = options;
  if (!(first >= 1)) {
    throw new RangeError(`Cannot group rows as first must be at least 1: current value is ${first}`);
  }
  return [...Map.groupBy(rows, ({ maxToken }) => text(maxToken))]
    .filter(([, group]) => group.length >= MINIMUM_COUNT)
    .map(([label, group]) => {
      const values = group.map(({ maxShift }) => maxShift);
      const extreme = values.reduce((best, value) => Math.max(best, value), -Infinity);
      return { label, values, mean: mean(values), extreme };
    })
    .sort((a, b) => b.extreme - a.extreme || (a.label < b.label ? -1 : 1))
    .slice(0, first);
}
