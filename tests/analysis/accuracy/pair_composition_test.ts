import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type BenchmarkOutcomes,
  pairComposition,
  pairCrosses,
  pairGains,
} from "../../../lib/analysis/mod.ts";

const PAIRS = { pairs: [[20, 35, 45], [null, 30, 40], [null, null, 40]], allLayers: 40 } as const;

Deno.test("pairGains() measures a pair from the later, the earlier or the better vector", () => {
  // (0,1): a = 35 from 30 or 20, P = 40. (0,2) starts from 40 or 20; (1,2) from 40 or 30.
  assertEquals(pairGains(PAIRS, { by: "prev" }), [[0, 0.5, null], [null, 0, null], [null, null, null]]);
  assertEquals(pairGains(PAIRS, { by: "next" }), [[0, 0.75, 1.25], [null, 0, 1], [null, null, null]]);
  assertEquals(pairGains(PAIRS, { by: "max" }), [[0, 0.5, null], [null, 0, null], [null, null, null]]);
});

Deno.test("pairGains() as published rounds P and divides by negative gaps", () => {
  const above = { pairs: [[0, 41], [null, 42]], allLayers: 41.54 };
  assertEquals(pairGains(above, { by: "max" })[0]?.[1], null);
  assertEquals(pairGains(above, { by: "max", asPublished: true })[0]?.[1], (41 - 42) / (41.5 - 42));
});

Deno.test("pairGains() refuses matrices that are not square", () => {
  assertThrows(() => pairGains({ pairs: [], allLayers: 3 }, { by: "max" }), RangeError, "0 rows");
  assertThrows(() => pairGains({ pairs: [[1, 2]], allLayers: 3 }, { by: "max" }), RangeError, "square");
});

Deno.test("pairCrosses() marks cells above the threshold, not at it", () => {
  assertEquals(pairCrosses(pairGains(PAIRS, { by: "next" })), [[0, 2], [1, 2]]);
  assertEquals(pairCrosses([[0.99, 0.9901, null]]), [[0, 1]]);
});

/** Problems [from, to) of 80 answered right. */
const right = (from: number, to: number): BenchmarkOutcomes => ({
  sums: [[Array.from({ length: 80 }, (_, p) => [p >= from && p < to ? 1 : 0])]],
});

Deno.test("pairComposition() sets pairs beside their better member, with paired intervals", () => {
  const runs = [
    { i: 0, j: 0, outcomes: right(0, 20) },
    { i: 1, j: 1, outcomes: right(20, 60) },
    { i: 2, j: 2, outcomes: right(0, 40) },
    { i: 0, j: 1, outcomes: right(0, 60) }, // +25 points
    { i: 0, j: 2, outcomes: right(0, 40) }, // nothing new
    { i: 1, j: 2, outcomes: right(0, 62) }, // +27.5
  ];
  const composition = pairComposition({ layers: 3, runs, allLayers: right(0, 64) });
  assertEquals(composition.accuracies.pairs, [[25, 75, 50], [null, 50, 77.5], [null, null, 50]]);
  assertEquals(composition.accuracies.allLayers, 80);
  assertEquals([composition.meanGain.points, composition.pairCount], [17.5, 3]);
  assert(
    composition.meanGain.low > 0 && composition.meanGain.low < 17.5 && composition.meanGain.high >= 17.5,
  );
  assertEquals(composition.pairsAbove, [[0, 1], [1, 2]]);
});

Deno.test("pairComposition() refuses pairs that are doubled, turned round or without their single vectors", () => {
  const single = { i: 0, j: 0, outcomes: right(0, 20) }, pair = { i: 0, j: 1, outcomes: right(0, 30) };
  const compose = (...runs: { i: number; j: number; outcomes: BenchmarkOutcomes }[]) =>
    pairComposition({ layers: 2, runs, allLayers: right(0, 64) }, { draws: 10 });
  assertThrows(() => compose(single, single), RangeError, "current pair is (0, 0)");
  assertThrows(() => compose({ ...pair, i: 1, j: 0 }), RangeError, "current pair is (1, 0)");
  assertThrows(() => compose(single, pair), RangeError, "single vectors 0 and 1");
  assertThrows(() => compose(single), RangeError, "at least one must have two layers");
});
