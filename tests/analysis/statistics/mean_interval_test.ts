import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { meanInterval } from "../../../lib/analysis/mod.ts";

Deno.test("meanInterval() gives a list without spread no width", () => {
  assertEquals(meanInterval([2, 2, 2, 2]), { mean: 2, low: 2, high: 2, level: 0.95 });
  assertEquals(meanInterval([-1.5]), { mean: -1.5, low: -1.5, high: -1.5, level: 0.95 });
});

Deno.test("meanInterval() comes out as wide as the normal approximation says", () => {
  // 400 coin throws, 100 of them heads: standard error √(0.25 · 0.75 / 400) = 0.02165, 1.96 of it to each side.
  const values = Array.from({ length: 400 }, (_, i) => i % 4 === 0 ? 1 : 0);
  const { mean, low, high } = meanInterval(values, { draws: 4000 });
  assertEquals(mean, 0.25);
  // The end of an interval of 4000 draws scatters by about 0.001, and the draws lie 1/400 apart.
  assertAlmostEquals(low, 0.25 - 1.96 * 0.02165, 0.005);
  assertAlmostEquals(high, 0.25 + 1.96 * 0.02165, 0.005);
});

Deno.test("meanInterval() narrows with the level and repeats for a seed", () => {
  const values = Array.from({ length: 50 }, (_, i) => (i * 7) % 11);
  const wide = meanInterval(values), narrow = meanInterval(values, { level: 0.5 });
  assert(
    wide.low < narrow.low && narrow.low < wide.mean && wide.mean < narrow.high && narrow.high < wide.high,
  );
  assertEquals(narrow.level, 0.5);
  assertEquals(meanInterval(values), wide);
  const other = meanInterval(values, { seed: 1 });
  assertEquals(other.mean, wide.mean);
  assert(other.low !== wide.low || other.high !== wide.high);
});

Deno.test("meanInterval() refuses nothing, NaN and options out of range", () => {
  assertThrows(() => meanInterval([]), RangeError, "at least one value: current count is 0");
  assertThrows(() => meanInterval([1, NaN]), RangeError, "value 1 must be finite: it is NaN");
  assertThrows(() => meanInterval([1], { draws: 0 }), RangeError, "draws");
  assertThrows(() => meanInterval([1], { level: 1 }), RangeError, "level");
});
