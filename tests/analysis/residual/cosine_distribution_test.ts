import { assertEquals, assertThrows } from "@std/assert";
import { cosineDistribution, symmetricEdges } from "../../../lib/analysis/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden } from "../_golden.ts";

const { distribution: expected } = await analysisGolden();

Deno.test("cosineDistribution() has numpy's moments, quantiles and counts", () => {
  const actual = cosineDistribution(expected.values, { edges: expected.edges, shares: [0.01, 0.5, 0.9] });
  assertEquals(actual.histogram.counts, expected.counts);
  assertEquals([actual.histogram.below, actual.histogram.above], [expected.below, expected.above]);
  const numbers = [actual.mean, actual.standardDeviation, actual.skewness, actual.excessKurtosis];
  const { mean, standardDeviation, skewness, excessKurtosis } = expected;
  assertClose(numbers as number[], [mean, standardDeviation, skewness, excessKurtosis], "float64Arithmetic");
  assertClose(actual.quantiles.map(({ value }) => value), expected.quantiles, "float64Arithmetic");
  assertEquals([actual.lowest, actual.highest], [
    Math.min(...expected.values),
    Math.max(...expected.values),
  ]);
});

Deno.test("cosineDistribution() puts a value on an edge into the bin above, on the last edge into the last", () => {
  const { histogram } = cosineDistribution([-1, 0, 0, 0.5, 1], { edges: [-1, 0, 0.5, 1] });
  assertEquals(histogram, { edges: [-1, 0, 0.5, 1], counts: [1, 2, 2], below: 0, above: 0 });
});

Deno.test("cosineDistribution() loses no value: bins, both tails and rows without an angle add up", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i % 10 === 0 ? NaN : Math.sin(i));
  const { histogram, count, zeroRows } = cosineDistribution(values, {
    edges: symmetricEdges(0.9, { bins: 7 }),
  });
  const inside = histogram.counts.reduce((sum, part) => sum + part, 0);
  assertEquals([count, zeroRows, inside + histogram.below + histogram.above], [900, 100, 900]);
});

Deno.test("cosineDistribution() of one repeated value has no shape", () => {
  const { skewness, excessKurtosis, standardDeviation } = cosineDistribution([0.25, 0.25]);
  assertEquals([skewness, excessKurtosis, standardDeviation], [null, null, 0]);
});

Deno.test("symmetricEdges() mirrors itself to the last bit", () => {
  const edges = symmetricEdges(0.3, { bins: 10 });
  assertEquals(edges.length, 11);
  edges.forEach((edge, place) => assertEquals(edge + (edges[10 - place] as number), 0));
  assertEquals([edges[0], edges[5], edges[10]], [-0.3, 0, 0.3]);
});

Deno.test("cosineDistribution() and symmetricEdges() refuse what they cannot count", () => {
  assertThrows(() => cosineDistribution([NaN]), RangeError, "current count is 0");
  assertThrows(() => cosineDistribution([0], { edges: [0, 0] }), RangeError, "[0,0]");
  assertThrows(() => cosineDistribution([0], { edges: [0] }), RangeError, "at least two");
  assertThrows(() => symmetricEdges(0), RangeError, "100, 0");
  assertThrows(() => symmetricEdges(1, { bins: 0.5 }), RangeError, "0.5, 1");
});
