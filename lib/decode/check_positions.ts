import type { ModelConfig } from "../checkpoint/mod.ts";

/** The positions of a model in words, with what narrows them. */
export function positionsText(config: ModelConfig): string {
  const { maxPositions, slidingWindow } = config;
  return slidingWindow === undefined
    ? `${maxPositions} positions`
    : `${maxPositions} positions, its config.json's "sliding_window"`;
}

/**
 * Checks that rows of the given lengths fit a model's positions. Beyond them its angles mean nothing, and under a window
 * another attention would be needed.
 *
 * @throws {RangeError} for a row that is too long.
 */
export function checkPositions(
  lengths: readonly number[],
  options: { readonly config: ModelConfig; readonly action: string },
): void {
  const { config, action } = options;
  const long = lengths.findIndex((length) => length > config.maxPositions);
  if (long < 0) return;
  throw new RangeError(
    `Cannot ${action} row ${long} as it must fit the model's ${positionsText(config)}: current length is ${
      lengths[long]
    }`,
  );
}
