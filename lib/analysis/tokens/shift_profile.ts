import { mean, standardDeviation } from "../../core/mod.ts";
import type { ShiftRow } from "./shift_rows.ts";

/** The rows of one answer position, averaged with one vote per text. */
export interface ShiftProfilePoint {
  /** The position. */
  readonly key: number;
  /** Rows. */
  readonly rows: number;
  /** Texts that have such rows. */
  readonly texts: number;
  /** Mean over texts of each text's mean. */
  readonly mean: number;
  /** Standard error of that mean over texts (sample standard deviation / √texts); null for a single text. */
  readonly standardError: number | null;
}

/**
 * Mean KL in nats by answer position, ascending. Every text has one vote per position, so the error counts texts, not
 * correlated positions.
 *
 * Source: KL by position of Figure 6 (class: code); the published statistics pool positions instead.
 */
export function shiftProfile(rows: readonly ShiftRow[]): readonly ShiftProfilePoint[] {
  const byPosition = Map.groupBy(rows, ({ position }) => position);
  return [...byPosition].sort(([a], [b]) => a - b).map(([key, own]) => {
    const texts = [...Map.groupBy(own, ({ sample }) => sample).values()];
    const means = texts.map((text) => mean(text.map(({ klNats }) => klNats)));
    return {
      key,
      rows: own.length,
      texts: means.length,
      mean: mean(means),
      standardError: means.length < 2
        ? null
        : standardDeviation(means, { ddof: 1 }) / Math.sqrt(means.length),
    };
  });
}
