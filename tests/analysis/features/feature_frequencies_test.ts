import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { countFirings, type FeatureFirings, featureFrequencies } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";

/** A generation of ten tokens with the counts of features 0, 1, … given. */
function generation(correct: boolean, counts: readonly number[], stratum?: string): FeatureFirings {
  const fired = counts.flatMap((count, feature) => count > 0 ? [[feature, count] as const] : []);
  return {
    correct,
    tokens: 10,
    features: Int32Array.from(fired, ([feature]) => feature),
    counts: Int32Array.from(fired, ([, count]) => count),
    ...(stratum === undefined ? {} : { stratum }),
  };
}

Deno.test("countFirings() counts tokens per feature, leaving out what is not above 0", () => {
  const codes = { indices: [4, 1, 1, 4, 0, 4], values: [2, 1, 3, 0, 0, 0.5] };
  const { features, counts, tokens } = countFirings(codes, { tokens: 3, correct: false });
  assertEquals([[...features], [...counts], tokens], [[1, 4], [2, 2], 3]);
  assertThrows(() => countFirings(codes, { tokens: 4, correct: true }), RangeError, "4 rows");
});

Deno.test("featureFrequencies() averages rates over generations, each one vote", () => {
  const generations = [
    { ...generation(true, [8]), tokens: 80 }, // 0.1
    generation(true, [5, 2]), // 0.5, 0.2
    generation(false, [2]), // 0.2
    generation(false, [0, 1]), // 0, 0.1
  ];
  const { top, correct, incorrect } = featureFrequencies(generations, {
    features: 2,
    draws: 50,
    permutations: 50,
  });
  assertEquals([correct, incorrect], [2, 2]);
  const feature = (index: number) => top.find((row) => row.feature === index);
  assertAlmostEquals(feature(0)?.onCorrect as number, 0.3, 1e-15);
  assertAlmostEquals(feature(0)?.onIncorrect as number, 0.1, 1e-15);
  assertAlmostEquals(feature(0)?.difference as number, 0.2, 1e-15);
  assertAlmostEquals(feature(1)?.difference as number, 0.05, 1e-15);
});

Deno.test("featureFrequencies() has the z and the family-wise p of all labelings, counted by hand", () => {
  // Rates 0.4, 0.3, 0.2, 0.1 with the first two right: the sum over two of four is 0.7, 0.6, 0.5, 0.5, 0.4, 0.3 with
  // mean 0.5 and variance (.04 + .01 + .01 + .04)/6 = 1/60. |z| reaches the observed 0.2·√60 in 2 of 6 labelings.
  const generations = [4, 3, 2, 1].map((count, index) => generation(index < 2, [count]));
  const { top: [row] } = featureFrequencies(generations, { features: 1, draws: 10, permutations: 3000 });
  assertAlmostEquals(row?.z as number, 0.2 * Math.sqrt(60), 1e-12);
  assert(Math.abs((row?.adjustedP as number) - 1 / 3) < 0.03); // 3.5 standard errors of a share of 3000
});

Deno.test("featureFrequencies() finds planted features and no others", () => {
  const stream = new RandomStream(0, "planted");
  const generations = Array.from({ length: 120 }, (_, index) => {
    const correct = index % 2 === 0;
    const counts = Array.from({ length: 40 }, () => stream.integer({ below: 4 }));
    counts[7] = stream.integer({ below: correct ? 8 : 4 });
    counts[21] = stream.integer({ below: correct ? 4 : 8 });
    return generation(correct, counts);
  });
  const { top, nullZ, beyondNull } = featureFrequencies(generations, {
    features: 40,
    draws: 300,
    permutations: 300,
    first: 3,
  });
  assertEquals(top.slice(0, 2).map(({ feature }) => feature).sort((a, b) => a - b), [7, 21]);
  for (const { feature, difference, low, high, adjustedP } of top.slice(0, 2)) {
    assert(feature === 7 ? low > 0 : high < 0);
    assert(low < difference && difference < high && adjustedP < 0.01);
  }
  assert((top[2]?.adjustedP as number) > 0.05);
  assertEquals(beyondNull, 2);
  // The largest of 40 normal |z| exceeds about 3.2 in 5 % of draws (1 − 0.95^(1/40), two-sided).
  assert(nullZ > 2.7 && nullZ < 3.7, `${nullZ}`);
});

Deno.test("featureFrequencies() keeps its family-wise error when nothing is planted", () => {
  let false5 = 0;
  for (let trial = 0; trial < 60; trial++) {
    const stream = new RandomStream(trial, "null");
    const generations = Array.from(
      { length: 30 },
      (_, index) => generation(index < 12, Array.from({ length: 15 }, () => stream.integer({ below: 5 }))),
    );
    const { beyondNull } = featureFrequencies(generations, { features: 15, draws: 1, permutations: 100 });
    if (beyondNull > 0) false5++;
  }
  // Binomial(60, 0.05): 3 ± 1.7; more than 9 has a chance below 0.1 %.
  assert(false5 <= 9, `${false5} of 60`);
});

Deno.test("featureFrequencies() within strata does not take a problem's feature for one of correctness", () => {
  // Problem "easy" fires feature 0 and is mostly right, "hard" is mostly wrong; within each it does not matter.
  const generations = Array.from({ length: 80 }, (_, index) => {
    const easy = index < 40, correct = easy ? index % 40 < 32 : index % 40 < 8;
    return generation(correct, [easy ? 6 + index % 2 : index % 2], easy ? "easy" : "hard");
  });
  const options = { features: 1, draws: 10, permutations: 200 };
  const { top: [within], beyondNull } = featureFrequencies(generations, options);
  const { top: [pooled] } = featureFrequencies(generations.map(({ stratum: _, ...rest }) => rest), options);
  assert((pooled?.adjustedP as number) < 0.01 && Math.abs(pooled?.z as number) > 4);
  assert((within?.adjustedP as number) > 0.5 && Math.abs(within?.z as number) < 1e-9);
  assertEquals(beyondNull, 0);
  assert(Math.abs(within?.difference as number) < 1e-12 && (pooled?.difference as number) > 0.1);
});

Deno.test("featureFrequencies() weights the differences of strata by n₁ n₀ / n, and z has their sign", () => {
  const generations = [
    generation(true, [4], "a"),
    generation(true, [2], "a"),
    generation(false, [1], "a"), // 0.3 − 0.1, weight 2/3
    generation(true, [5], "b"),
    generation(false, [4], "b"),
    generation(false, [4], "b"), // 0.5 − 0.4, weight 2/3
    generation(true, [9], "c"), // alone: says nothing
  ];
  const { top: [only] } = featureFrequencies(generations, { features: 1, draws: 200, permutations: 10 });
  assertAlmostEquals(only?.difference as number, 0.15, 1e-12);
  assertAlmostEquals(only?.onCorrect as number, 0.5, 1e-12);
  assert((only?.z as number) > 0);
  // Draws of the two strata: one of them twice, or both.
  assertAlmostEquals(only?.low as number, 0.1, 1e-12);
  assertAlmostEquals(only?.high as number, 0.2, 1e-12);
});

Deno.test("featureFrequencies() is the same for the same seed, and has z = 0 for a feature that does not vary", () => {
  const generations = [4, 3, 2, 1].map((count, index) => generation(index < 2, [count, 3]));
  const read = (seed: number) =>
    featureFrequencies(generations, { features: 2, draws: 20, permutations: 20, seed });
  assertEquals(read(1), read(1));
  assertEquals(read(1).top[1]?.z, 0);
});

Deno.test("featureFrequencies() refuses one-sided, half-labelled and misshapen generations", () => {
  const options = { features: 2 };
  const right = generation(true, [1]), wrong = generation(false, [1]);
  assertThrows(() => featureFrequencies([right, right], options), RangeError, "2 of 2 are right");
  assertThrows(() => featureFrequencies([{ ...right, stratum: 1 }, wrong], options), RangeError, "1 of 2 do");
  assertThrows(
    () => featureFrequencies([right, generation(false, [1, 0, 1])], options),
    RangeError,
    "generation 1",
  );
  assertThrows(
    () => featureFrequencies([right, generation(false, [11])], options),
    RangeError,
    "1 to 10 tokens",
  );
  assertThrows(
    () => featureFrequencies([right, wrong], { features: 0 }),
    RangeError,
    "features must be a positive",
  );
});
