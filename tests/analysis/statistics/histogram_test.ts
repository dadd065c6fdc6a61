import { assertEquals, assertThrows } from "@std/assert";
import { histogram } from "../../../lib/analysis/mod.ts";

Deno.test("histogram() puts a value on an edge into the bin above, on the last edge into the last", () => {
  assertEquals(histogram([-1, 0, 0, 0.5, 1], [-1, 0, 0.5, 1]), {
    edges: [-1, 0, 0.5, 1],
    counts: [1, 2, 2],
    below: 0,
    above: 0,
  });
});

Deno.test("histogram() finds the bin that a search from the left finds, and loses no value", () => {
  const edges = [-0.8, -0.3, -0.25, 0, 0.1, 0.75];
  const values = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i * i));
  const counts = edges.slice(1).map((above, b) => {
    const below = edges[b] as number, last = b === edges.length - 2;
    return [...values].filter((value) => value >= below && (value < above || (last && value === above)))
      .length;
  });
  const actual = histogram(values, edges);
  assertEquals(actual.counts, counts);
  assertEquals(actual.below + actual.above + counts.reduce((sum, count) => sum + count), values.length);
});

Deno.test("histogram() refuses edges that do not ascend", () => {
  for (const edges of [[0], [0, 0], [1, 0], [0, NaN], [0, Infinity]]) {
    assertThrows(() => histogram([0], edges), RangeError, "must ascend");
  }
});
