import { addScaled, requireVector } from "./_vectors.ts";
import type { TextDifferences } from "./persistence_sums.ts";

/** Refuses steered layers whose texts differ, or whose sums are no vectors of one length. */
export function requireSources(sources: readonly TextDifferences[]): void {
  const first = sources[0];
  if (first === undefined || first.texts.length === 0) {
    throw new RangeError(
      "Cannot compare final differences as there must be a steered layer with texts: none",
    );
  }
  const embed = first.sums[0]?.length ?? 0;
  sources.forEach((source, layer) => {
    if (source.texts.join() !== first.texts.join()) {
      throw new RangeError(
        `Cannot compare final differences as all steered layers must have the same texts: layer ${layer} has ` +
          `${source.texts.length} others than layer 0`,
      );
    }
    if (source.rows.length !== source.texts.length || source.sums.length !== source.texts.length) {
      throw new RangeError(
        `Cannot compare final differences as each text needs its rows and its sum: layer ${layer} has ` +
          `${source.rows.length} and ${source.sums.length} for ${source.texts.length} texts`,
      );
    }
    source.sums.forEach((sum, text) =>
      requireVector(sum, { what: `the difference of layer ${layer}, text ${text}`, embed })
    );
  });
}

/** Sum over texts, each `times` over: parallel to the mean over their tokens, which is all that a cosine sees. */
export function totalDifference(source: TextDifferences, times: ArrayLike<number>): Float64Array {
  const total = new Float64Array((source.sums[0] as Float64Array).length);
  source.sums.forEach((sum, text) => {
    const weight = times[text] as number;
    if (weight !== 0) addScaled(total, sum, weight);
  });
  return total;
}
