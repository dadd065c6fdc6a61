import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { accuracyDifference, detectableDifference } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";

const interval = (error: number, level = 0.95) => ({
  low: 3 - 1.959964 * error,
  high: 3 + 1.959964 * error,
  level,
});

Deno.test("detectableDifference() is 2.8 standard errors of the median interval", () => {
  assertAlmostEquals(detectableDifference([interval(2)]) ?? NaN, 2 * 2.801585, 1e-9);
  assertAlmostEquals(detectableDifference([interval(9), interval(0), interval(1)]) ?? NaN, 2.801585, 1e-9);
  assertEquals(detectableDifference([]), null);
  assertThrows(() => detectableDifference([interval(1, 0.9)]), RangeError, "current level is 0.9");
});

Deno.test("detectableDifference() is what four of five measurements show: simulated pairs of answers", () => {
  const count = 200, runs = 200, apart = 0.3;
  const random = new RandomStream(3, "pairs of answers");
  // Of 200 pairs of answers three in ten differ, more of them for the better by `gain` of all.
  const measured = (gain: number) => {
    const pairs = Array.from({ length: count }, () => {
      const at = random.uniform();
      return at < (apart + gain) / 2 ? [0, 1] as const : at < apart ? [1, 0] as const : [1, 1] as const;
    });
    const [before, after] = [0, 1].map((side) => ({ a: [[pairs.map((pair) => [pair[side] as number])]] }));
    if (before === undefined || after === undefined) throw new Error("two conditions");
    return accuracyDifference(after, before, { draws: 400 });
  };
  const seen = detectableDifference(Array.from({ length: 25 }, () => measured(0))) ?? NaN;
  assertAlmostEquals(seen, 280 * Math.sqrt(apart / count), 1);
  let shown = 0;
  for (let run = 0; run < runs; run++) shown += Number(measured(seen / 100).low > 0);
  assertAlmostEquals(shown / runs, 0.8, 0.1); // of 200 runs a share of 0.8 has a standard error of 0.03
});
