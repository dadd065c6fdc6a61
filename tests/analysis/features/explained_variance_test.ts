import { assert, assertEquals, assertThrows } from "@std/assert";
import { explainedVariance } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden } from "../_golden.ts";

const { explained } = await analysisGolden();
const texts = explained.texts.map(({ actual, predicted }) => ({
  actual: actual.flat(),
  predicted: predicted.flat(),
}));

Deno.test("explainedVariance() is one minus torch's ratio of squares", () => {
  assertClose(
    [explainedVariance(texts, { embed: 3, draws: 1 }).share as number],
    [explained.share],
    "float64Arithmetic",
  );
});

Deno.test("explainedVariance() is 1 for a perfect prediction in every draw", () => {
  const perfect = texts.map(({ actual }) => ({ actual, predicted: actual }));
  const { share, low, high } = explainedVariance(perfect, { embed: 3, draws: 100 });
  assertEquals([share, low, high], [1, 1, 1]);
});

Deno.test("explainedVariance() is 0 for predicting the mean, and below for anything farther off", () => {
  const rows = texts.flatMap(({ actual }) => actual), count = rows.length / 3;
  const means = [0, 1, 2].map((column) =>
    rows.reduce((sum, value, i) => i % 3 === column ? sum + value : sum, 0) / count
  );
  const predict = (offset: number) =>
    texts.map(({ actual }) => ({
      actual,
      predicted: actual.map((_, i) => (means[i % 3] as number) + offset),
    }));
  const atMean = explainedVariance(predict(0), { embed: 3, draws: 200 });
  assertClose([1 + (atMean.share as number)], [1], "float64Arithmetic");
  // In a draw the fixed prediction is another sample's mean: never better than the draw's own.
  assert((atMean.high as number) <= 1e-14 && (atMean.low as number) < 0);
  assert((explainedVariance(predict(1), { embed: 3, draws: 1 }).share as number) < 0);
});

Deno.test("explainedVariance() does not lose a small spread beside a large mean", () => {
  // float32 residuals have entries in the thousands whose spread is what matters.
  const far = texts.map(({ actual, predicted }) => ({
    actual: actual.map((value) => value + 2 ** 20),
    predicted: predicted.map((value) => value + 2 ** 20),
  }));
  const near = explainedVariance(texts, { embed: 3, draws: 50 });
  const moved = explainedVariance(far, { embed: 3, draws: 50 });
  assertClose(
    [moved.share, moved.low, moved.high] as number[],
    [near.share, near.low, near.high] as number[],
    {
      dtype: "float64",
      device: "cpu",
      kind: "relative",
      measured: 0,
      bound: 1e-9,
      reason:
        "numbers in steps of 2^-9 beside 2^20 are exact; squares about 0 would lose 13 of their 16 digits",
    },
  );
});

Deno.test("explainedVariance() has an interval about as wide as the texts scatter", () => {
  // One row per text, errors of variance 1/4 against a spread of 1: 75 %. By the delta method the standard error of
  // 1 − a/b is sqrt(var(a)/b² + a² var(b)/b⁴), with variances 2σ⁴/n of squares: sqrt(2 (1/16 + 1/16) / n).
  const stream = new RandomStream(4, "explained variance test"), count = 800;
  const rows = Array.from({ length: count }, () => {
    const value = stream.normal();
    return { actual: [value], predicted: [value + 0.5 * stream.normal()] };
  });
  const { share, low, high } = explainedVariance(rows, { embed: 1, draws: 1000 });
  const error = Math.sqrt(0.25 / count);
  assert(Math.abs((share as number) - 0.75) < 3 * error);
  const ratio = ((high as number) - (low as number)) / (2 * 1.96 * error);
  assert(ratio > 0.8 && ratio < 1.2, `${ratio}`);
});

Deno.test("explainedVariance() is not applicable to rows that do not differ, and drops such draws", () => {
  const equal = { actual: [3, 4, 3, 4], predicted: [3, 4, 3, 5] };
  assertEquals(explainedVariance([equal], { embed: 2, draws: 10 }), {
    share: null,
    low: null,
    high: null,
    level: 0.95,
    droppedDraws: 0,
  });
  const two = [{ actual: [0], predicted: [0] }, { actual: [1], predicted: [0.5] }];
  const { share, droppedDraws } = explainedVariance(two, { embed: 1, draws: 200 });
  assertEquals(share, 0.5);
  // Both draws of one text: half of all; 3.5 standard deviations of a fair coin tossed 200 times are 25.
  assert(Math.abs(droppedDraws - 100) < 25, `${droppedDraws}`);
});

Deno.test("explainedVariance() refuses rows that do not match", () => {
  assertThrows(() => explainedVariance([], { embed: 1 }), RangeError, "texts 0");
  assertThrows(
    () => explainedVariance([{ actual: [1, 2], predicted: [1] }], { embed: 1 }),
    RangeError,
    "2 and 1",
  );
  assertThrows(
    () => explainedVariance([{ actual: [1], predicted: [1] }], { embed: 2 }),
    RangeError,
    "rows of 2",
  );
  assertThrows(
    () => explainedVariance([{ actual: [NaN], predicted: [1] }], { embed: 1 }),
    RangeError,
    "text 0",
  );
});
