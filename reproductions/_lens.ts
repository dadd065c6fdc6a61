import { type LensReading, meanReading, type TextDifferences, type TokenLens } from "../lib/analysis/mod.ts";
import type { Propagation } from "../lib/experiment/mod.ts";

/** The published fault that shows in every mean shift behind the last block. */
export const MEAN_SHIFT_FAULT = "means count the prompt's positions and leave out the last two.";

/** A line under the title of a figure whose number is not attested. */
export const INFERRED_FIGURE = "The number of the paper's figure is inferred.";

/** What one direction of each training seed says of the tokens. */
export interface SeedReadings {
  /** Each seed by itself. */
  readonly perSeed: readonly LensReading[];
  /** Their mean, token by token. */
  readonly mean: LensReading;
}

/** Reads one direction per training seed; null where one of them is zero and points nowhere. */
export function readSeeds(
  lens: TokenLens,
  directions: readonly ArrayLike<number>[],
): SeedReadings | null {
  if (directions.some((direction) => Array.from(direction).every((value) => value === 0))) return null;
  const perSeed = directions.map((direction) => lens.read(direction));
  return { perSeed, mean: meanReading(perSeed) };
}

/** Mean of all rows of all texts, [embed]. */
export function meanDifference({ sums, rows }: TextDifferences): Float64Array {
  const count = rows.reduce((sum, part) => sum + part, 0);
  const total = new Float64Array(sums[0]?.length ?? 0);
  for (const sum of sums) sum.forEach((value, index) => total[index] = (total[index] as number) + value);
  return total.map((value) => value / count);
}

/** The propagated lens of one layer's vector. */
interface PropagatedLayer {
  /** The mean shift behind the last block, raw. */
  readonly raw: SeedReadings | null;
  /** Behind the final norm: products are mean changes of logits. */
  readonly logits: SeedReadings | null;
  /** As `raw`, over the published positions. */
  readonly published: SeedReadings | null;
}

/** The propagated lens of every layer. */
export function readPropagated(
  lens: TokenLens,
  found: readonly (readonly Propagation[])[],
): readonly PropagatedLayer[] {
  return (found[0] ?? []).map((_, layer) => {
    const of = (direction: (source: Propagation) => ArrayLike<number>) =>
      readSeeds(lens, found.map((seed) => direction(seed[layer] as Propagation)));
    return {
      raw: of(({ finalDifferences }) => meanDifference(finalDifferences)),
      logits: of(({ logitDifferences }) => meanDifference(logitDifferences)),
      published: of(({ published }) => published.finalDifference),
    };
  });
}
