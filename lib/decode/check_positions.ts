import type { ModelConfig } from "../checkpoint/mod.ts";

/**
 * The positions of a model in words, with what narrows them.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { positionsText } from "./mod.ts";
 * if (positionsText(tinyConfig({ maxPositions: 64 })) !== "64 positions") throw new Error("all of them");
 * const narrowed = positionsText(tinyConfig({ maxPositions: 64, slidingWindow: 64 }));
 * if (!narrowed.includes('"sliding_window"')) throw new Error("the key that narrows the model is named");
 * ```
 */
export function positionsText(config: ModelConfig): string {
  const { maxPositions, slidingWindow } = config;
  return slidingWindow === undefined
    ? `${maxPositions} positions`
    : `${maxPositions} positions, its config.json's "sliding_window"`;
}

/**
 * Checks that rows of the given lengths fit a model's positions. Beyond them its angles mean nothing, and under a window another
 * attention would be needed.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { checkPositions } from "./mod.ts";
 * const config = tinyConfig({ maxPositions: 2 });
 * checkPositions([2, 1], { config, action: "run" });
 * assertThrows(() => checkPositions([1, 3], { config, action: "run" }), RangeError, "row 1");
 * ```
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
