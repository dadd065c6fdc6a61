import { mean, standardDeviation } from "../../core/mod.ts";
import type { ShiftRow } from "./shift_rows.ts";

/** The rows of one key, averaged with one vote per text. */
export interface ShiftProfilePoint {
  /** What the rows have in common. */
  readonly key: string | number;
  /** Rows. */
  readonly rows: number;
  /** Texts that have such rows. */
  readonly texts: number;
  /** Mean over texts of each text's mean. */
  readonly mean: number;
  /** Standard error of that mean over texts (sample standard deviation / √texts); null for a single text. */
  readonly standardError: number | null;
}

/** How rows are averaged. */
export interface ShiftProfileOptions {
  /** The key of a row. @default {its position} */
  readonly by?: (row: ShiftRow) => string | number;
  /** The value of a row. @default {its KL in nats} */
  readonly value?: (row: ShiftRow) => number;
}

/**
 * Mean KL (or another value) of rows by position, role or class of token. Every text has one vote per key, so long
 * answers weigh no more than short ones and the error counts texts, not correlated positions. Keys come in ascending
 * order: numbers first, then words by code unit.
 *
 * Source: KL by position of Figure 6 (class: code); the published statistics pool positions instead.
 *
 * @example
 * ```ts
 * import { shiftProfile } from "../mod.ts";
 * const tokens = { source: 0, baseToken: 0, steeredToken: 0, maxToken: 0, minToken: 0 };
 * const row = { ...tokens, maxShift: 0, minShift: 0, followed: [], position: 0 };
 * const [first] = shiftProfile([{ ...row, sample: 0, klNats: 1 }, { ...row, sample: 1, klNats: 3 }]);
 * if (first?.mean !== 2 || first.standardError !== 1) throw new Error("1 and 3: mean 2, error √2 / √2");
 * ```
 */
export function shiftProfile(
  rows: readonly ShiftRow[],
  options: ShiftProfileOptions = {},
): readonly ShiftProfilePoint[] {
  const { by = (row) => row.position, value = (row) => row.klNats } = options;
  const byKey = new Map<string | number, Map<number, number[]>>();
  for (const row of rows) {
    const key = by(row);
    const texts = byKey.get(key) ?? new Map<number, number[]>();
    byKey.set(key, texts);
    const values = texts.get(row.sample);
    if (values === undefined) texts.set(row.sample, [value(row)]);
    else values.push(value(row));
  }
  const order = (a: string | number, b: string | number) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : typeof a === typeof b
      ? (a < b ? -1 : 1)
      : typeof a === "number"
      ? -1
      : 1;
  return [...byKey].sort(([a], [b]) => order(a, b)).map(([key, texts]) => {
    const means = [...texts.values()].map((values) => mean(values));
    return {
      key,
      rows: [...texts.values()].reduce((sum, values) => sum + values.length, 0),
      texts: means.length,
      mean: mean(means),
      standardError: means.length < 2
        ? null
        : standardDeviation(means, { ddof: 1 }) / Math.sqrt(means.length),
    };
  });
}
