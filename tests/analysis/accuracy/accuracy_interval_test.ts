import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { accuracyDifference, accuracyInterval, type OutcomeTable } from "../../../lib/analysis/mod.ts";

/** One training and one evaluation seed, one sample per problem. */
function single(outcomes: readonly number[]): OutcomeTable {
  return [[outcomes.map((outcome) => [outcome])]];
}

function ones(right: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => index < right ? 1 : 0);
}

Deno.test("accuracyInterval() averages samples, problems, benchmarks and seeds without weights", () => {
  // Benchmark a: seeds 75 % and 25 % over two problems of two samples; b: 100 % and 0 % over one problem of one.
  const a: OutcomeTable = [[[[1, 1], [1, 0]], [[0, 0], [1, 0]]]];
  const b: OutcomeTable = [[[[1]], [[0]]]];
  const result = accuracyInterval({ a, b }, { draws: 10 });
  assertEquals(result.perBenchmark, { a: 50, b: 50 });
  assertEquals(result.percent, 50);
  // Per evaluation seed (75 + 100)/2 = 87.5 and (25 + 0)/2 = 12.5: population standard deviation 37.5.
  assertEquals(result.evaluationSeedStd, 37.5);
  assertEquals(result.trainingSeedStd, null);
});

Deno.test("accuracyInterval() has the width that the binomial law gives", () => {
  const result = accuracyInterval({ sums: single(ones(120, 400)) }, { draws: 4000 });
  const halfWidth = 1.96 * 100 * Math.sqrt(0.3 * 0.7 / 400); // 4.49 points
  assertEquals(result.percent, 30);
  // 4000 draws place a 2.5 % quantile within about 0.15 points.
  assertAlmostEquals(result.low, 30 - halfWidth, 0.45);
  assertAlmostEquals(result.high, 30 + halfWidth, 0.45);
  // 4000 draws know a standard deviation to about a part in 90.
  assertAlmostEquals(result.standardError, halfWidth / 1.96, 0.1);
});

Deno.test("accuracyInterval() does not take repeated seeds for more problems", () => {
  const outcomes = ones(120, 400).map((outcome) => [outcome]);
  const one = accuracyInterval({ sums: [[outcomes]] }),
    four = accuracyInterval({ sums: [[outcomes, outcomes], [outcomes, outcomes]] });
  assertAlmostEquals(four.low, one.low, 1e-9);
  assertAlmostEquals(four.high, one.high, 1e-9);
});

Deno.test("accuracyInterval() covers the spread between training seeds", () => {
  const result = accuracyInterval({ sums: [[ones(0, 50).map((x) => [x])], [ones(50, 50).map((x) => [x])]] });
  // Two runs, 0 % and 100 %: a draw picks the same run twice with probability 1/4 each.
  assertEquals([result.low, result.percent, result.high], [0, 50, 100]);
  assertEquals(result.trainingSeedStd, 50);
  assertEquals(result.perTrainingSeed, [0, 100]);
});

Deno.test("accuracyInterval() covers the spread between evaluation seeds of each run", () => {
  const all = ones(50, 50).map((x) => [x]), none = ones(0, 50).map((x) => [x]);
  // Two seeds, 0 % and 100 %: a draw picks the same one twice with probability 1/4 each.
  const one = accuracyInterval({ sums: [[none, all]] });
  assertEquals([one.low, one.percent, one.high], [0, 50, 100]);
  assertEquals([one.evaluationSeedStd, one.trainingSeedStd], [50, null]);
  // Of two runs each draw picks its own: the mean is 0 or 100 in one draw of 16, 50 in six.
  const two = accuracyInterval({ sums: [[none, all], [none, all]] }, { level: 0.8, draws: 8000 });
  assertEquals([two.low, two.percent, two.high], [25, 50, 75]);
});

Deno.test("accuracyDifference() picks the same evaluation seeds for both conditions", () => {
  const all = ones(50, 50).map((x) => [x]), none = ones(0, 50).map((x) => [x]);
  const { points, low, high } = accuracyDifference({ sums: [[none, all]] }, { sums: [[none, all]] });
  assertEquals([points, low, high], [0, 0, 0]);
  const against = accuracyDifference({ sums: [[all, none]] }, { sums: [[none, all]] });
  assertEquals([against.points, against.low, against.high], [0, -100, 100]);
});

Deno.test("accuracyInterval() does not depend on the order of benchmarks, and repeats", () => {
  const a = single(ones(3, 9)), b = single(ones(4, 7));
  assertEquals(accuracyInterval({ a, b }), accuracyInterval({ b, a }));
  const other = accuracyInterval({ a, b }, { seed: 1 });
  assert(other.low !== accuracyInterval({ a, b }).low || other.high !== accuracyInterval({ a, b }).high);
});

Deno.test("accuracyInterval() refuses ragged and non-binary outcomes", () => {
  assertThrows(() => accuracyInterval({}), RangeError, "there is no benchmark");
  assertThrows(() => accuracyInterval({ a: single([1, 0.5]) }), RangeError, 'benchmark "a", training seed 0');
  assertThrows(
    () => accuracyInterval({ a: [[[[1]], [[1], [0]]]] }),
    RangeError,
    "must answer the same problems",
  );
  assertThrows(
    () => accuracyInterval({ a: [[[[1]]]], b: [[[[1]], [[1]]]] }),
    RangeError,
    "same training and evaluation",
  );
  assertThrows(() => accuracyInterval({ a: single([1]) }, { draws: 0 }), RangeError, "current value is 0");
});

Deno.test("accuracyDifference() pairs the draws of two conditions", () => {
  // They differ in one of 40 problems: the draws are Binomial(40, 1/40)/40, whose 2.5 % and 97.5 % points are 0 and 3/40.
  const result = accuracyDifference({ sums: single(ones(21, 40)) }, { sums: single(ones(20, 40)) });
  assertEquals([result.points, result.low, result.high], [2.5, 0, 7.5]);
  // P(Binomial(40, 1/40) > 0) = 1 − (39/40)^40 = 0.637.
  assertAlmostEquals(result.shareAbove, 0.637, 0.03);
});

Deno.test("accuracyDifference() compares conditions with different numbers of training seeds", () => {
  const right = ones(40, 40).map((x) => [x]), wrong = ones(0, 40).map((x) => [x]);
  const result = accuracyDifference({ sums: [[right], [right], [right]] }, { sums: [[wrong]] });
  assertEquals([result.points, result.low, result.high, result.shareAbove], [100, 100, 100, 1]);
});

Deno.test("accuracyDifference() refuses conditions on different problems", () => {
  const error = "both must answer the same problems: one has {sums: 2}, the other {sums: 3}";
  assertThrows(
    () => accuracyDifference({ sums: single([1, 0]) }, { sums: single([1, 0, 1]) }),
    RangeError,
    error,
  );
});

Deno.test("accuracyDifference() sees no difference between equal accuracies that round differently", () => {
  // The same outcomes once, and over three seeds: their means of thirds and sevenths are summed differently.
  const a = { thirds: single([1, 0, 0]), sevenths: single([0, 1, 0, 0, 0, 0, 0]) };
  const seeds = (outcomes: OutcomeTable): OutcomeTable => [0, 1, 2].flatMap(() => outcomes);
  const repeated = { thirds: seeds(a.thirds), sevenths: seeds(a.sevenths) };
  const { points, low, high, shareAbove } = accuracyDifference(repeated, a);
  assertEquals([points, low, high, shareAbove], [0, 0, 0, 0]);
});
