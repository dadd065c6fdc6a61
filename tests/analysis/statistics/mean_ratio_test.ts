import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { meanRatio } from "../../../lib/analysis/mod.ts";

Deno.test("meanRatio() is the ratio of the means, not the mean of the ratios", () => {
  const { ratio } = meanRatio([[1, 1], [0, 3]]);
  assertEquals(ratio, 0.25); // 1 / 4; the mean of ratios would be 0.5
});

Deno.test("meanRatio() covers a known ratio and narrows with more units", () => {
  const pairs = (count: number) =>
    Array.from({ length: count }, (_, unit) => [unit % 2 === 0 ? 0.2 : 0.6, 1] as const);
  const few = meanRatio(pairs(8)), many = meanRatio(pairs(200));
  assertAlmostEquals(few.ratio ?? NaN, 0.4, 1e-12);
  assert(few.low !== null && few.high !== null && many.low !== null && many.high !== null);
  assert(few.low < 0.4 && few.high > 0.4);
  // Denominators are constant, so the error is that of a mean: 1.96 · 0.2 / √200 each way, as the bootstrap knows it.
  const half = 1.96 * 0.2 / Math.sqrt(200);
  assertAlmostEquals(many.low, 0.4 - half, half / 4);
  assertAlmostEquals(many.high, 0.4 + half, half / 4);
});

Deno.test("meanRatio() is null where every denominator is 0, and leaves out draws without one", () => {
  assertEquals(meanRatio([[0, 0], [1, 0]]), { ratio: null, low: null, high: null, level: 0.95 });
  const { ratio, low, high } = meanRatio([[1, 2], [0, 0]]);
  assertEquals([ratio, low, high], [0.5, 0.5, 0.5]);
});

Deno.test("meanRatio() refuses lists without pairs, negative denominators and what is no number", () => {
  assertThrows(() => meanRatio([]), RangeError, "at least one pair");
  assertThrows(() => meanRatio([[1, -1]]), RangeError, "not negative");
  assertThrows(() => meanRatio([[NaN, 1]]), RangeError, "finite");
});
