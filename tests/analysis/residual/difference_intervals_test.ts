import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { differenceIntervals, type TextDifferences } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";

function differences(...sums: number[][]): TextDifferences {
  return {
    texts: sums.map((_, text) => text),
    rows: sums.map(() => 1),
    sums: sums.map((sum) => Float64Array.from(sum)),
  };
}

Deno.test("differenceIntervals() has the binomial spread of a total over drawn texts", () => {
  // 100 texts of value 0 or 1: the total of a draw is binomial with standard deviation sqrt(100 · 0.3 · 0.7).
  const layer = differences(...Array.from({ length: 100 }, (_, text) => [text < 30 ? 1 : 0]));
  const { intervals: [total] } = differenceIntervals([[layer]], ([sum]) => [sum?.[0] ?? null], {
    draws: 4000,
  });
  assertEquals(total?.mean, 30);
  const half = 1.96 * Math.sqrt(21);
  assertAlmostEquals(total?.low ?? NaN, 30 - half, 1.1); // whole numbers, and 4000 draws know a tail to some 2 %
  assertAlmostEquals(total?.high ?? NaN, 30 + half, 1.1);
});

Deno.test("differenceIntervals() averages training seeds and draws them too", () => {
  const seeds = [[differences([1])], [differences([3])]]; // one text: all spread is that of the seeds
  const { intervals: [found], perTrainingSeed } = differenceIntervals(seeds, ([sum]) => [sum?.[0] ?? null], {
    draws: 400,
  });
  assertEquals(perTrainingSeed, [[1], [3]]);
  assertEquals([found?.mean, found?.low, found?.high], [2, 1, 3]);
});

Deno.test("differenceIntervals() draws the same texts for all layers, so differences of equal layers vanish", () => {
  const stream = new RandomStream(4, "texts");
  const layer = differences(...Array.from({ length: 30 }, () => [stream.normal()]));
  const { intervals: [difference, own] } = differenceIntervals(
    [[layer, layer]],
    ([one, other]) => [(one?.[0] as number) - (other?.[0] as number), one?.[0] as number],
    { draws: 100 },
  );
  assertEquals([difference?.low, difference?.high], [0, 0]);
  assert((own?.high as number) - (own?.low as number) > 1);
});

Deno.test("differenceIntervals() leaves a number out that is not defined, and draws in which one is not", () => {
  const layer = differences([1], [-1], [2]);
  const { intervals, droppedDraws } = differenceIntervals([[layer]], ([sum]) => [
    null,
    sum?.[0] === 0 ? null : 1, // 1 − 1 twice over cannot be; 2 − 1 − 1 can
  ], { draws: 200 });
  assertEquals(intervals[0], null);
  assertEquals(intervals[1]?.mean, 1);
  assert(droppedDraws > 0 && droppedDraws < 100, String(droppedDraws));
});

Deno.test("differenceIntervals() refuses seeds that answered other texts", () => {
  assertThrows(() => differenceIntervals([], () => []), RangeError, "none");
  assertThrows(
    () => differenceIntervals([[differences([1])], [differences([1], [2])]], () => []),
    RangeError,
    "must have the same texts",
  );
});
