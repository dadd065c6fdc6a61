import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  accuracyDifference,
  accuracyInterval,
  accuracyStatistic,
  type BenchmarkOutcomes,
} from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";

/** Outcomes of two benchmarks under independent chances, with seeds. */
function condition(name: string, chance: number): BenchmarkOutcomes {
  const stream = new RandomStream(3, name);
  const table = (problems: number) =>
    [0, 1].map(() =>
      [0, 1, 2].map(() => Array.from({ length: problems }, () => [stream.uniform() < chance ? 1 : 0]))
    );
  return { easy: table(30), hard: table(20) };
}

function right(count: number, of = 400): BenchmarkOutcomes {
  return { sums: [[Array.from({ length: of }, (_, index) => [index < count ? 1 : 0])]] };
}

Deno.test("accuracyStatistic() of one condition, and of a difference, is what those functions give", () => {
  const a = condition("a", 0.7), b = condition("b", 0.4);
  const { percent, low, high } = accuracyInterval(a);
  const one = accuracyStatistic([a], ([value]) => value as number);
  assertAlmostEquals(one.value, percent, 1e-8);
  assertAlmostEquals(one.low, low, 1e-8);
  assertAlmostEquals(one.high, high, 1e-8);
  assertEquals(one.level, 0.95);
  const minus = accuracyStatistic([a, b], ([x = NaN, y = NaN]) => x - y), same = accuracyDifference(a, b);
  assertAlmostEquals(minus.value, same.points, 1e-9);
  assertAlmostEquals(minus.low, same.low, 1e-9);
  assertAlmostEquals(minus.high, same.high, 1e-9);
});

Deno.test("accuracyStatistic() has the width that the binomial law gives to a difference of differences", () => {
  // (a − b) − (c − c) on the same problems: c cancels draw by draw, and b is right wherever a is.
  const [a, b, c] = [right(200), right(120), right(77)] as const;
  const { value, low, high } = accuracyStatistic(
    [a, b, c, c],
    ([w = NaN, x = NaN, y = NaN, z = NaN]) => (w - x) - (y - z),
    { draws: 4000 },
  );
  assertAlmostEquals(value, 20, 1e-9);
  const halfWidth = 1.96 * 100 * Math.sqrt(0.2 * 0.8 / 400); // 3.92: a − b is 1 on a fifth of the problems
  assertAlmostEquals(low, 20 - halfWidth, 0.45);
  assertAlmostEquals(high, 20 + halfWidth, 0.45);
});

Deno.test("accuracyStatistic() follows a statistic that is no sum, and its level", () => {
  const conditions = [right(100), right(220), right(160)];
  const range = (percents: readonly number[]) => Math.max(...percents) - Math.min(...percents);
  const wide = accuracyStatistic(conditions, range),
    narrow = accuracyStatistic(conditions, range, { level: 0.5 });
  assertAlmostEquals(wide.value, 30, 1e-9);
  assert(wide.low < narrow.low && narrow.low < 30 && 30 < narrow.high && narrow.high < wide.high);
});

Deno.test("accuracyStatistic() refuses nothing, other problems and what is not finite", () => {
  assertThrows(() => accuracyStatistic([], () => 0), RangeError, "current count is 0");
  assertThrows(() => accuracyStatistic([right(1, 4), right(1, 5)], () => 0), RangeError);
  assertThrows(() => accuracyStatistic([right(1)], () => NaN), RangeError, "current value is NaN");
});
