import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  accuracyDifference,
  type BenchmarkOutcomes,
  gapShares,
  recoveredShare,
} from "../../../lib/analysis/mod.ts";

/** The first `right` of `count` problems answered right. */
function condition(right: number, count = 100): BenchmarkOutcomes {
  return { sums: [[Array.from({ length: count }, (_, index) => [index < right ? 1 : 0])]] };
}

const FLOOR = condition(20), CEILING = condition(60);

Deno.test("gapShares() places each patched head between floor and ceiling", () => {
  const runs = [
    { part: "q", head: 0, outcomes: condition(20) },
    { part: "v", head: 1, outcomes: condition(60) },
    { part: "v", head: null, outcomes: condition(30) },
  ];
  const { gap, runs: [q, v, all] } = gapShares({ floor: FLOOR, ceiling: CEILING, runs });
  assertEquals(gap.points, 40);
  assertEquals([q?.part, q?.head, q?.share.percent, q?.aboveFloor.points], ["q", 0, 0, 0]);
  assertEquals([q?.aboveFloor.low, q?.aboveFloor.high], [0, 0]); // the same answers in every draw
  assertEquals([v?.share.percent, v?.share.low, v?.share.high, v?.belowCeiling.points], [100, 100, 100, 0]);
  assertEquals([all?.head, all?.percent, all?.belowCeiling.points], [null, 30, 30]);
  assertAlmostEquals(all?.share.percent as number, 25, 1e-12);
  assert((all?.low as number) < 30 && (all?.high as number) > 30);
});

Deno.test("gapShares() says of one run what recoveredShare() and accuracyDifference() say", () => {
  const outcomes = condition(45), options = { draws: 300, seed: 4, level: 0.9 };
  const { runs: [run] } = gapShares({
    floor: FLOOR,
    ceiling: CEILING,
    runs: [{ part: "v", head: 0, outcomes }],
  }, options);
  assertEquals(run?.share, recoveredShare({ base: FLOOR, prefix: outcomes, steered: CEILING }, options));
  assertEquals(run?.aboveFloor, accuracyDifference(outcomes, FLOOR, options));
  assertEquals(run?.belowCeiling, accuracyDifference(CEILING, outcomes, options));
});

Deno.test("gapShares() has no share of a gap that is not established, and says why", () => {
  const { runs: [run] } = gapShares({
    floor: FLOOR,
    ceiling: FLOOR,
    runs: [{ part: "k", head: 2, outcomes: CEILING }],
  });
  assertEquals(run?.share.percent, null);
  assertEquals(run?.share.reason, "the gain of 0 points is not established, its interval is [0, 0]");
});

Deno.test("gapShares() refuses runs on other problems", () => {
  const runs = [{ part: "q", head: 0, outcomes: condition(1, 50) }];
  assertThrows(() => gapShares({ floor: FLOOR, ceiling: CEILING, runs }), RangeError, "same problems");
});
