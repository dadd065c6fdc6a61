import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { AdapterMagnitudes, leastSquaresLine, pearson } from "../../../lib/analysis/mod.ts";

/** Two texts, five positions, negative on average; norms average 4. */
function filled(): AdapterMagnitudes {
  const layer = new AdapterMagnitudes();
  layer.add({ magnitudes: [-1, -2, 3], outputNorms: [2, 4, 6], alignments: [0.1, 0.2, -0.3] });
  layer.add({ magnitudes: [-6, -4], outputNorms: [3, 5], alignments: [0.6, 0.4] });
  return layer;
}

Deno.test("AdapterMagnitudes summarises all positions, turned so that the mean is positive", () => {
  const { publishedR, ...numbers } = filled().summary();
  assertEquals(numbers, { meanOutputNorm: 4, relativeMedian: 0.5 });
  // Magnitude is −10 times the cosine; its mean is negative, and it alone is turned.
  assertAlmostEquals(publishedR as number, 1, 1e-12);
  const positive = new AdapterMagnitudes();
  positive.add({ magnitudes: [1, 2, 4], outputNorms: [1, 1, 1], alignments: [0.3, 0.2, 0] });
  assertAlmostEquals(positive.summary().publishedR as number, -1, 1e-12);
});

Deno.test("AdapterMagnitudes has no relative numbers where outputs are 0, and no r where nothing varies", () => {
  const layer = new AdapterMagnitudes();
  layer.add({ magnitudes: [0.1, 0.1, 0.1], outputNorms: [0, 0, 0], alignments: [0, 0.5, 1] });
  assertEquals(layer.summary(), { meanOutputNorm: 0, relativeMedian: null, publishedR: null });
  assertThrows(() => layer.histogram([0, 1]), RangeError, "it is 0");
});

Deno.test("AdapterMagnitudes counts between fixed edges, ends included, and what lies outside", () => {
  // Turned round and relative: .25, .5, −.75, 1.5, 1.
  const { counts, below, above } = filled().histogram([-0.5, 0, 0.25, 1]);
  assertEquals([counts, below, above], [[0, 0, 3], 1, 1]);
  assertThrows(() => filled().histogram([1, 1]), RangeError, "[1,1]");
  assertThrows(() => filled().histogram([1]), RangeError, "at least two");
});

Deno.test("AdapterMagnitudes gives evenly spread points", () => {
  assertEquals(filled().points(2).map(({ magnitude }) => magnitude), [-1, 3]);
  assertEquals(filled().points(99).map(({ alignment }) => alignment), [0.1, 0.2, -0.3, 0.6, 0.4]);
  assertThrows(() => filled().points(0), RangeError, "current value is 0");
});

Deno.test("AdapterMagnitudes refuses ragged and broken texts, and readings of nothing", () => {
  const layer = new AdapterMagnitudes();
  assertThrows(() => layer.summary(), RangeError, "current count is 0");
  assertThrows(
    () => layer.add({ magnitudes: [1, 2], outputNorms: [1], alignments: [0, 0] }),
    RangeError,
    "norms 1, alignments 2",
  );
  assertThrows(
    () => layer.add({ magnitudes: [1, NaN], outputNorms: [1, 1], alignments: [0, 0] }),
    RangeError,
    "position 1 has NaN",
  );
  assertThrows(() => layer.summary(), RangeError, "current count is 0");
});

Deno.test("pearson() is the textbook coefficient", () => {
  // Deviations (−1.5, −.5, .5, 1.5) and (−.75, .25, −.75, 1.25): Σab = 2.5, Σa² = 5, Σb² = 2.75.
  assertAlmostEquals(pearson([1, 2, 3, 4], [1, 2, 1, 3]) as number, 2.5 / Math.sqrt(5 * 2.75), 1e-15);
  assertAlmostEquals(pearson([1, 2, 3], [-1, -2, -3]) as number, -1, 1e-15);
  assertEquals(pearson([1, 2, 3], [0.1, 0.1, 0.1]), null);
  assertThrows(() => pearson([1], [1, 2]), RangeError, "1 and 2");
  assertThrows(() => pearson([], []), RangeError, "0 and 0");
});

Deno.test("leastSquaresLine() has the normal equations' slope, and none where x does not vary", () => {
  // Σ(x − 2)(y − 3) / Σ(x − 2)² = (−1·−2 + 1·3) / 2 with the middle point at y = 2
  const line = leastSquaresLine([1, 2, 3], [1, 2, 6]);
  assertAlmostEquals(line?.slope as number, 2.5, 1e-12);
  assertAlmostEquals(line?.intercept as number, -2, 1e-12);
  assertEquals(leastSquaresLine([0.1, 0.1, 0.1], [1, 2, 3]), null);
  assertThrows(() => leastSquaresLine([1], [1, 2]), RangeError, "lengths are 1 and 2");
  assertThrows(() => leastSquaresLine([], []), RangeError);
});
