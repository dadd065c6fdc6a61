import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { resampleAccuracy } from "../../../lib/analysis/accuracy/_bootstrap.ts";
import { type BenchmarkOutcomes, recoveredShare } from "../../../lib/analysis/mod.ts";
import { quantile } from "../../../lib/core/mod.ts";

/** The first `right` of `count` problems answered right. */
function condition(right: number, count = 100): BenchmarkOutcomes {
  return { sums: [[Array.from({ length: count }, (_, index) => [index < right ? 1 : 0])]] };
}

Deno.test("recoveredShare() is the part of the steered gain that the prefix gives", () => {
  const share = recoveredShare({ base: condition(20), prefix: condition(50), steered: condition(60) });
  assertEquals(share.percent, 75);
  assert(share.low !== null && share.high !== null && share.low < 75 && share.high > 75);
  assertEquals([share.droppedDraws, share.reason], [0, null]);
});

Deno.test("recoveredShare() has the interval of a binomial share", () => {
  // Base answers none and the prefix is right on half of what steering gets right, so a draw's share is
  // Binomial(m, 1/2)/m for the m of its problems that steering answers: all 400. Normal law: 50 ± 4.9.
  const share = recoveredShare({
    base: condition(0, 400),
    prefix: condition(200, 400),
    steered: condition(400, 400),
  });
  assert(Math.abs((share.low as number) - 45.1) < 0.6 && Math.abs((share.high as number) - 54.9) < 0.6);
});

Deno.test("recoveredShare() is not applicable when the gain is zero or its sign is not established", () => {
  const none = { percent: null, low: null, high: null, level: 0.95, droppedDraws: 0 };
  assertEquals(recoveredShare({ base: condition(30), prefix: condition(50), steered: condition(30) }), {
    ...none,
    reason: "the gain of 0 points is not established, its interval is [0, 0]",
  });
  // One problem of a hundred: 37 % of the draws do not contain it.
  const { reason, ...rest } = recoveredShare({
    base: condition(30),
    prefix: condition(50),
    steered: condition(31),
  });
  assertEquals(rest, none);
  assertEquals(reason?.startsWith("the gain of 1 points is not established, its interval is [0, "), true);
});

Deno.test("recoveredShare() leaves out draws whose gain is zero or of the other sign, and counts them", () => {
  // A gain of 4 of 20 problems: five more are right under steering, one is wrong that base has right.
  const row = (right: readonly number[]) => ({
    sums: [[Array.from({ length: 20 }, (_, problem) => [right.includes(problem) ? 1 : 0])]],
  });
  const base = row([0]), prefix = row([1, 2, 10]), steered = row([1, 2, 3, 4, 5]);
  const options = { level: 0.6, draws: 4000, seed: 3 };
  const [from, part, to] = [base, prefix, steered].map((outcomes) =>
    resampleAccuracy(outcomes, options).draws
  );
  const draws = Array.from(from ?? [], (value, draw) => ({
    gain: Math.round(((to?.[draw] ?? NaN) - value) * 1e6) / 1e6,
    gave: (part?.[draw] ?? NaN) - value,
  }));
  const kept = draws.filter(({ gain }) => gain > 0).map(({ gain, gave }) => 100 * gave / gain).sort((a, b) =>
    a - b
  );
  const against = draws.filter(({ gain }) => gain < 0).length;
  assert(against > 20, `${against} draws of the other sign`);
  const share = recoveredShare({ base, prefix, steered }, options);
  assertEquals([share.percent, share.droppedDraws], [50, draws.length - kept.length]);
  assertAlmostEquals(share.low ?? NaN, quantile(kept, 0.2), 1e-9);
  assertAlmostEquals(share.high ?? NaN, quantile(kept, 0.8), 1e-9);
});

Deno.test("recoveredShare() holds for an established loss as for a gain", () => {
  assertEquals(
    recoveredShare({ base: condition(60), prefix: condition(40), steered: condition(20) }).percent,
    50,
  );
});

Deno.test("recoveredShare() refuses conditions on different problems", () => {
  assertThrows(
    () => recoveredShare({ base: condition(1), prefix: condition(1, 50), steered: condition(1) }),
    RangeError,
    "same problems",
  );
});
