import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { correlationInterval, meanInterval, pearson, textInterval } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";

const MEAN = {
  terms: ([x]: readonly number[]) => [x as number, 1],
  statistic: (sums: ArrayLike<number>) => (sums[0] as number) / (sums[1] as number),
};

Deno.test("textInterval() of texts of one position is about the interval of a mean", () => {
  const random = new RandomStream(1, "texts");
  const values = Array.from({ length: 60 }, () => random.normal());
  const ours = textInterval(values.map((value) => [[value]]), { ...MEAN, draws: 4000 });
  const plain = meanInterval(values, { draws: 4000 });
  assertAlmostEquals(ours.value ?? NaN, plain.mean, 1e-12);
  // Two sets of 4000 draws: an end is known to about a fiftieth of the standard error, which is 1/√60.
  assertAlmostEquals(ours.low ?? NaN, plain.low, 0.03);
  assertAlmostEquals(ours.high ?? NaN, plain.high, 0.03);
});

Deno.test("textInterval() draws whole texts: repeating a position inside its text narrows nothing", () => {
  const values = [0, 1, 5, 2, 8, 3, 3, 7];
  const once = textInterval(values.map((value) => [[value]]), MEAN);
  const often = textInterval(values.map((value) => [[value, value, value]]), MEAN);
  assertEquals([often.value, often.low, often.high], [once.value, once.low, once.high]);
  assertEquals(textInterval([[[2, 4]]], MEAN), { value: 3, low: 3, high: 3, level: 0.95 });
});

Deno.test("correlationInterval() is Pearson's r of all positions and holds it", () => {
  const random = new RandomStream(2, "pairs");
  const texts = Array.from({ length: 30 }, () => {
    const x = Array.from({ length: 7 }, () => 1000 + random.normal());
    return [x, x.map((value) => 0.5 * value + random.normal())];
  });
  const r = pearson(texts.flatMap(([x]) => x as number[]), texts.flatMap(([, y]) => y as number[])) as number;
  const { value, low, high } = correlationInterval(texts);
  assertAlmostEquals(value ?? NaN, r, 1e-9);
  assert((low ?? 1) < r && r < (high ?? -1), `${low} to ${high} around ${r}`);
});

Deno.test("correlationInterval() is open where a column does not vary, also in a draw", () => {
  assertEquals(correlationInterval([[[1, 2], [5, 5]]]).value, null);
  // A draw may be the second text alone, which does not vary.
  const { value, low, high } = correlationInterval([[[1, 2], [1, 3]], [[4, 4], [2, 2]]]);
  assertEquals([typeof value, low, high], ["number", null, null]);
});

Deno.test("textInterval() refuses what it cannot add up", () => {
  assertThrows(() => textInterval([], MEAN), RangeError, "at least one text");
  assertThrows(() => textInterval([[[NaN]]], MEAN), RangeError, "text 0 adds up to NaN");
  assertThrows(() => correlationInterval([[[1, 2], [1]]]), RangeError, "text 0 has 2,1");
});
