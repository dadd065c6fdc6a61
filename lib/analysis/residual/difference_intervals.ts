import { mean, RandomStream } from "../../core/mod.ts";
import {
  type BootstrapOptions,
  bootstrapSettings,
  drawTimes,
  percentileInterval,
} from "../accuracy/_bootstrap.ts";
import { requireSources, totalDifference } from "./_total_difference.ts";
import type { MeanInterval } from "../statistics/mean_interval.ts";
import type { TextDifferences } from "./persistence_sums.ts";

/** Numbers read off the total differences of all steered layers, with their intervals. */
export interface DifferenceIntervals {
  /** One per number; null where the number is not defined for some training seed. */
  readonly intervals: readonly (MeanInterval | null)[];
  /** Numbers of each training seed by itself: [training seed][number]. */
  readonly perTrainingSeed: readonly (readonly (number | null)[])[];
  /** Draws left out since a number was not defined in them. */
  readonly droppedDraws: number;
}

/** Null as soon as one of the values is. */
function meanOrNull(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : mean(values as readonly number[]);
}

/**
 * Numbers that depend on differences by their direction alone, as means over training seeds, with percentile bootstrap
 * intervals over training seeds and texts. `sources` is [training seed][steered layer]; every layer of every seed
 * answered the same problems, so a draw picks the texts once for all of them and what they share cancels in
 * differences. `statistics` turns the total differences of one seed, [layer][embed], into numbers; null is "not defined".
 *
 * Source: ours; the published matrices have no uncertainty.
 *
 * @throws RangeError for no seed, no layer, no text, other texts in one of them, or bootstrap options out of range.
 */
export function differenceIntervals(
  sources: readonly (readonly TextDifferences[])[],
  statistics: (totals: readonly Float64Array[]) => readonly (number | null)[],
  options: BootstrapOptions = {},
): DifferenceIntervals {
  const { draws, level, seed } = bootstrapSettings(options);
  requireSources(sources.flat());
  const texts = sources[0]?.[0]?.texts.length as number;
  const read = (layers: readonly TextDifferences[], times: ArrayLike<number>) =>
    statistics(layers.map((layer) => totalDifference(layer, times)));
  const once = new Float64Array(texts).fill(1);
  const perTrainingSeed = sources.map((layers) => read(layers, once));
  const count = perTrainingSeed[0]?.length ?? 0;
  const found = Array.from(
    { length: count },
    (_, place) => meanOrNull(perTrainingSeed.map((numbers) => numbers[place] as number | null)),
  );
  const textStream = new RandomStream(seed, "final shifts", texts);
  const seedStream = new RandomStream(seed, "training seeds of final shifts", sources.length);
  const drawn: number[][] = [];
  let droppedDraws = 0;
  for (let draw = 0; draw < draws; draw++) {
    const times = drawTimes(textStream, texts);
    const all = sources.map((layers) => read(layers, times));
    const picked = sources.map(() => seedStream.pick(all));
    const numbers = found.map((value, place) =>
      value === null ? 0 : meanOrNull(picked.map((of) => of[place] as number | null))
    );
    if (numbers.includes(null)) droppedDraws++;
    else drawn.push(numbers as number[]);
  }
  return {
    intervals: found.map((value, place) => {
      if (value === null || drawn.length === 0) return null;
      const values = drawn.map((numbers) => numbers[place] as number);
      return { mean: value, ...percentileInterval(values, level) };
    }),
    perTrainingSeed,
    droppedDraws,
  };
}
